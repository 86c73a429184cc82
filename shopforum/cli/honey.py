"""`shopforum honey`: plant, list and retire honey tokens, by the code of the console's page."""

import json
from dataclasses import asdict

import click

from shopforum.core.text import clean
from shopforum.operations import honey as queries
from shopforum.operations import json_documents
from shopforum.sessions import honey

from . import selection
from .deployment import NOTHING, Stop, actor, client, opened
from .terminal import moment, table

_INI = click.argument("ini", type=click.Path(exists=True, dir_okay=False))
_HEADS = (("ID", 8), ("STATE", 9), ("PLACE", 40), ("HITS", 6), ("LAST (UTC)", 19), ("FROM", 24), ("BY", 24))


@click.group
def command() -> None:
    """Plant secrets that open nothing. If one is presented, somebody has read the place where it was planted."""


@command.command()
@_INI
@click.option("--place", required=True, help="Where it is planted, such as: nightly backup on host b2.")
@click.option("--json", "as_json", is_flag=True, help='Print {"id", "secret"}.')
def plant(ini: str, place: str, as_json: bool) -> None:
    """Make a honey token and print it. It is shown only once: the database has only its hash.

    Plant it as the cookie __Host-session of a site, or behind sfa_ as an API token.
    """
    named = clean(place, queries.LONGEST)
    if not named:
        raise click.UsageError("--place is blank: say where it is planted.")
    with opened(ini) as found:
        sessions = found.sessions
        made, secret = honey.plant(
            sessions.db, sessions.config.secrets, named, actor(), client("honey plant")
        )
    click.echo(json.dumps({"id": str(made), "secret": secret}) if as_json else secret)


@command.command("list")
@_INI
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines: one honey token a line.")
def list_(ini: str, as_json: bool) -> None:
    """List honey tokens, newest first, with how often and from where they were presented."""
    with opened(ini) as found:
        rows = list(queries.HONEY.all(found.read_db))
    if as_json:
        for row in rows:
            click.echo(json.dumps({**asdict(row), "state": row.state}, default=json_documents.plain))
        return
    lines = [
        (
            *(str(row.id)[:8], row.state, row.place, f"{row.hits:,}"),
            *(moment(row.last_hit_at), row.last_address or "-", row.actor),
        )
        for row in rows
    ]
    click.echo(table(_HEADS, lines) if lines else "None is planted yet.")


@command.command()
@_INI
@click.argument("honey_id", metavar="ID")
def retire(ini: str, honey_id: str) -> None:
    """Retire a honey token, by its id or the first 8 digits of the id: it is not noticed any more."""
    with opened(ini) as found:
        whole = selection.whole_id(found.read_db, queries.HONEY_ID, "honey token", honey_id)
        if not honey.retire(found.sessions.db, whole, actor(), client("honey retire")):
            raise Stop(
                "There is no such honey token, or it was retired before. Nothing was changed.", NOTHING
            )
    click.echo("Retired.")
