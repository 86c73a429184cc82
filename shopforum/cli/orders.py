"""`shopforum orders`: move an order on, when it is packed, shipped or delivered. Its customer gets a letter about it."""

import click

from shopforum.mail.outgoing import MailSettings
from shopforum.store import orders
from shopforum.store.letters import Letters
from shopforum.store.orders import OrderNotFound, WrongState

from .deployment import NOTHING, Stop, reaching_the_database, site


@click.group
def command() -> None:
    """Move orders on. INI is the ini file of the deployment."""


@command.command
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.argument("number")
def advance(ini: str, number: str) -> None:
    """Move the order NUMBER to its next state: packed, shipped, delivered. Exit code 1 if no order has the number."""
    services, number = site(ini, "store"), number.strip().upper()
    letters = Letters(services.site, services.get(MailSettings).on, services.sessions.config.secrets)
    with reaching_the_database():
        try:
            state = orders.advance(services.site_db, letters, number)
        except OrderNotFound:
            raise Stop(f"There is no order {number}.", NOTHING) from None
        except WrongState as error:
            raise Stop(f"Order {number} is {error}: there is no next step.", NOTHING) from None
    click.echo(f"Order {number} is {state} now.")
