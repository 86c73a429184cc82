"""The common parts of the commands on a deployment: opening it by its ini file, the actor, and the exit codes."""

import os
import pwd
import secrets
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import click
from sqlalchemy.exc import SQLAlchemyError

from shopforum import site_services
from shopforum.core.database import sqlstate
from shopforum.core.ini_files import section
from shopforum.core.read_only_database import ReadOnlyDatabase, TooSlow
from shopforum.core.text import clean
from shopforum.idp import FusionAuth
from shopforum.operations import approval_requests
from shopforum.operations.approval_requests import Asker
from shopforum.operations.approvals import Act
from shopforum.sessions import Sessions, is_outage, refuses_value
from shopforum.sessions.audit import Client
from shopforum.web.services import Services

DONE, NOTHING, USAGE, DATABASE_AWAY, PENDING = 0, 1, 2, 3, 4

# A statement of the command line may take longer than one of the console: only its user waits.
_LIMIT_MILLISECONDS = 60_000

# SQLSTATEs of a table or a column that is not there.
_NOT_SET_UP = ("42P01", "42703")


class Stop(click.ClickException):
    """End the command with a message on standard error and an exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]  # click reads it from the instance


def need_terminal() -> None:
    """Raise Stop where nobody can be asked. The command has changed nothing yet."""
    if not sys.stdin.isatty():
        raise Stop(
            "There is no terminal to ask at. Nothing was changed; use --yes to act without a question.",
            NOTHING,
        )


def ask(question: str) -> None:
    """Ask for a yes. Raises Stop without it, and where nobody can be asked."""
    need_terminal()
    if not click.confirm(question, err=True):
        raise Stop("Nothing was changed.", NOTHING)


@dataclass(frozen=True)
class Deployment:
    """The sessions of a deployment, a way to read them, the client of FusionAuth, the console's address, and its settings as text."""

    sessions: Sessions
    read_db: ReadOnlyDatabase
    idp: FusionAuth
    console: str
    settings: Mapping[str, str]


def site(ini: str, name: str) -> Services:
    """Return the services of one site of an ini file. Raises Stop for settings that cannot be used."""
    try:
        return site_services.without_pages(section(ini, name))
    except ValueError as error:
        raise Stop(f"{ini} cannot be used: {error}", USAGE) from None


@contextmanager
def opened(ini: str) -> Iterator[Deployment]:
    """Open the deployment of an ini file. Exit code 3 while the database is away, 2 for wrong settings."""
    console = site(ini, "admin")
    try:
        with reaching_the_database():
            yield Deployment(
                console.sessions,
                ReadOnlyDatabase(console.db, _LIMIT_MILLISECONDS),
                console.idp,
                console.site.urls["admin"],
                console.settings,
            )
    finally:
        console.db.engine.dispose()


@contextmanager
def reaching_the_database() -> Iterator[None]:
    """Map errors of the database to Stop: exit code 3 while it is away, too slow or not set up, 2 for a value that it refuses.

    Other errors are raised unchanged.
    """
    try:
        yield
    except TooSlow as error:
        raise Stop(str(error.detail), DATABASE_AWAY) from None
    except SQLAlchemyError as error:
        # The driver's first line names host and port, never the password.
        reason = str(getattr(error, "orig", None) or type(error).__name__).strip().splitlines()[0]
        if is_outage(error):
            raise Stop(f"The database cannot be reached: {reason}", DATABASE_AWAY) from None
        if sqlstate(error) in _NOT_SET_UP:
            raise Stop(
                f"The database is not set up: run alembic upgrade head. {reason}", DATABASE_AWAY
            ) from None
        if refuses_value(error):
            raise Stop(f"The database refuses a value: {reason}", USAGE) from None
        raise


@contextmanager
def alone(deployment: Deployment, act: Act, origin: Client) -> Iterator[None]:
    """Carry an act out on the command line, which is an emergency way where an act takes two people: it leaves its own row in the audit
    log first, and the owners get mail.
    """
    rules = approval_requests.two_people(deployment.settings, deployment.console)
    asker = Asker(actor(), origin, unlimited=True, alone="the command line")
    loud = rules.required and approval_requests.takes_two(deployment.sessions.db, asker, act)
    with approval_requests.within(rules, deployment.sessions.db, deployment.read_db, asker, act):
        yield
    if loud:
        told = "The owners get mail, and t" if rules.mail else "T"
        click.echo(f"This went without a second owner. {told}he console's dashboard shows it.", err=True)


def actor() -> str:
    """Return the actor for the audit log: `cli:` and the login name, from the system and not from an environment variable."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return f"cli:{clean(name, 200)}"


def client(command: str) -> Client:
    """Return the client for the audit log: this command on this machine."""
    return Client(None, clean(f"shopforum {command} on {socket.gethostname()}", 300), secrets.token_hex(8))
