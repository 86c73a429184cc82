"""`shopforum token`: create, list and revoke API tokens without the web server, by the code of the console's page."""

import json
from dataclasses import asdict
from typing import Any
from uuid import UUID

import click

from shopforum.api_tokens import tokens
from shopforum.api_tokens.tokens import Actor, TokenRow
from shopforum.operations import json_documents

from . import deployment
from .deployment import NOTHING, Deployment, Stop, opened
from .terminal import moment, table

_HEADS = (
    ("NAME", 24),
    ("STATE", 7),
    ("SCOPES", 60),
    ("CREATED (UTC)", 19),
    ("LAST USED (UTC)", 19),
    ("EXPIRES (UTC)", 19),
    ("CREATED BY", 30),
    ("ID", 36),
)


# The backspace keeps click from joining the lines into one paragraph.
_EXIT_CODES = """\b
Exit codes:
  0  done
  1  nothing to revoke: there is no such token, or it was revoked before
  2  the call is wrong
  3  the database cannot be reached
"""


@click.group(epilog=_EXIT_CODES)
def command() -> None:
    """Create, list and revoke tokens of the admin API.

    Works while the sites or FusionAuth are down. The audit log names the actor cli:LOGIN.
    """


@command.command()
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.option("--name", required=True, help="The program that uses it; the audit log names it token:NAME.")
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    type=click.Choice(list(tokens.SCOPES)),
    help="What the token may do; may be repeated.",
)
@click.option(
    "--expires",
    "days",
    type=click.IntRange(1, tokens.MOST_DAYS),
    metavar="DAYS",
    help=f"Days until it expires, by default {tokens.DAYS}. A token that is unused for {tokens.UNUSED_DAYS} days expires sooner.",
)
@click.option("--json", "as_json", is_flag=True, help='Print {"id", "token"}.')
def create(ini: str, name: str, scopes: tuple[str, ...], days: int | None, as_json: bool) -> None:
    """Create a token and print it. It is shown only once: the database has only its hash."""
    _checked(name)
    with opened(ini) as found:
        keys = found.sessions.config.secrets
        token_id, token = tokens.create(found.sessions.db, keys, name, scopes, days, _actor())
    click.echo(json.dumps({"id": str(token_id), "token": token}) if as_json else token)


@command.command("list")
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines: one token a line.")
def list_(ini: str, as_json: bool) -> None:
    """List tokens, revoked ones last. The tokens themselves cannot be shown again."""
    with opened(ini) as found:
        rows = tokens.listed(found.sessions.db, found.sessions.config.secrets)
    if as_json:
        for row in rows:
            click.echo(json.dumps(asdict(row), default=json_documents.plain))
    else:
        click.echo(table(_HEADS, [_cells(row) for row in rows]))


@command.command()
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.option("--name", help="Revoke all tokens of this name.")
@click.option("--id", "token_id", type=click.UUID, help="Revoke the token of this id.")
@click.option("--json", "as_json", is_flag=True, help='Print {"revoked"}: how many.')
def revoke(ini: str, name: str | None, token_id: UUID | None, as_json: bool) -> None:
    """Revoke tokens: their next calls are refused."""
    if (name is None) == (token_id is None):
        raise click.UsageError("Give either --name or --id.")
    with opened(ini) as found:
        count = _revoke(found, name, token_id)
    if as_json:
        click.echo(json.dumps({"revoked": count}))
    elif count:
        click.echo(f"Revoked: {count}.")
    if not count:
        raise Stop("There is no such token, or it was revoked before.", NOTHING)


def _revoke(found: Deployment, name: str | None, token_id: UUID | None) -> int:
    if name is not None:
        _checked(name)
    return tokens.revoke(found.sessions.db, _actor(), token_id=token_id, name=name)


def _checked(name: str) -> None:
    if not tokens.NAME.fullmatch(name):
        raise click.BadParameter(tokens.NAME_HINT, param_hint="--name")


def _actor() -> Actor:
    return Actor(deployment.actor(), deployment.client("token"))


def _cells(row: TokenRow) -> list[Any]:
    return [
        row.name,
        row.state,
        " ".join(row.scopes),
        moment(row.created_at),
        moment(row.last_used_at),
        moment(row.ends_at),
        row.created_by,
        row.id,
    ]
