"""`shopforum audit verify` checks the audit chain, `shopforum audit export` writes the audit log.

Both work while the web server and FusionAuth are down. Exit codes: 0 all is well, 1 the log has been tampered with, 2 not
checked: the call is wrong, the database cannot be reached, or a key is missing that sealed rows.
"""

import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.exc import SQLAlchemyError

from shopforum.operations import audit_queries
from shopforum.operations import export as file_export
from shopforum.operations.rows import AuditRow
from shopforum.sessions import Sessions, audit_chain
from shopforum.sessions.audit_chain import Head

from .deployment import USAGE, Stop, reaching_the_database, site


@click.group
def command() -> None:
    """Check or export the audit log."""


@command.command()
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--head", "witness", metavar="SEQ:MAC", help="A head from the log stream that the chain must contain."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(ini: str, witness: str | None, as_json: bool) -> None:
    """Check the audit chain and name the first bad row."""
    sessions = _sessions(ini)
    with _reaching_the_database():
        # Rows that the worker has not sealed yet are sealed first, so that the verdict covers every row.
        while audit_chain.seal(sessions.db, sessions.config.secrets.audit_keys[0]):
            pass
        verdict = audit_chain.verify(sessions.db, sessions.config.secrets.audit_keys, _head(witness))
    if as_json:
        facts = {"ok": verdict.ok, "good": verdict.good, "bad": verdict.bad, "why": verdict.why}
        facts |= {"unchecked": verdict.unchecked, "missing_key": verdict.missing_key}
        click.echo(json.dumps(facts | {"head": str(verdict.head)}))
    elif verdict.bad is not None:
        click.echo(
            f"BAD at sequence number {verdict.bad}: {verdict.why}. {verdict.good:,} rows before it are good."
        )
    elif verdict.unchecked:
        click.echo(
            f"NOT CHECKED: {verdict.unchecked:,} rows, sealed with key {verdict.missing_key}, which is not in "
            f"shopforum.secret. Put it behind the others and run this again; if you never had such a key, the log was "
            f"tampered with. {verdict.good:,} rows are good, head {verdict.head}"
        )
    else:
        click.echo(f"ok: {verdict.good:,} rows, head {verdict.head}")
    sys.exit(1 if verdict.bad is not None else USAGE if verdict.unchecked else 0)


@command.command()
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--format", "form", type=click.Choice(list(file_export.FORMATS)), default="jsonl", show_default=True
)
def export(ini: str, form: str) -> None:
    """Write the whole audit log to standard output, oldest first."""
    sessions = _sessions(ini)
    with _reaching_the_database():
        for piece in file_export.write(audit_queries.oldest_first(sessions.db), AuditRow, form):
            sys.stdout.buffer.write(piece)


def _head(witness: str | None) -> Head | None:
    if witness is None:
        return None
    try:
        return Head.parse(witness)
    except ValueError:
        raise click.BadParameter("a head is SEQ:MAC, as the worker logs it", param_hint="--head") from None


def _sessions(ini: str) -> Sessions:
    found: Sessions = site(ini, "store").sessions
    return found


@contextmanager
def _reaching_the_database() -> Iterator[None]:
    """Map database errors as the other commands do, but to exit code 2: 1 says that the chain is broken."""
    try:
        with reaching_the_database():
            yield
    except Stop as stop:
        raise Stop(stop.message, USAGE) from None
    except SQLAlchemyError as error:
        traceback.print_exception(error)
        raise Stop("The database failed with the error above.", USAGE) from None
