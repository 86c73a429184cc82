"""`shopforum audit verify` says whether the log is what was written, `shopforum audit export` what it says.

Works while the web server and FusionAuth are down. Exit codes: 0 all well, 1 the log has been tampered with, 2 the
call itself is wrong or the database cannot be reached.
"""

import csv
import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click
from sqlalchemy.exc import SQLAlchemyError

from shopforum.operations.export import AUDIT_LOG, audit_log
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
    """Check the hash chain and name the first bad row."""
    sessions = _sessions(ini)
    with _reaching_the_database():
        # What the worker has not come to yet is sealed first, so that the answer covers every row there is.
        while audit_chain.seal(sessions.db, sessions.config.secrets.audit_keys[0]):
            pass
        verdict = audit_chain.verify(sessions.db, sessions.config.secrets.audit_keys, _head(witness))
    if as_json:
        facts = {"ok": verdict.bad is None, "good": verdict.good, "bad": verdict.bad, "why": verdict.why}
        click.echo(json.dumps(facts | {"head": str(verdict.head)}))
    elif verdict.bad is None:
        click.echo(f"ok: {verdict.good:,} rows, head {verdict.head}")
    else:
        click.echo(
            f"BAD at sequence number {verdict.bad}: {verdict.why}. {verdict.good:,} rows before it are good."
        )
    sys.exit(0 if verdict.bad is None else 1)


@command.command()
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
def export(ini: str, form: str) -> None:
    """Write the whole audit log to standard output, oldest first."""
    sessions = _sessions(ini)
    with _reaching_the_database():
        if form == "jsonl":
            for row in _rows(sessions):
                click.echo(json.dumps(row, default=str))
        else:
            writer = csv.writer(sys.stdout)
            writer.writerow(AUDIT_LOG)
            writer.writerows([_cell(row[name]) for name in AUDIT_LOG] for row in _rows(sessions))


def _rows(sessions: Sessions) -> Iterator[dict[str, Any]]:
    for row in audit_log(sessions.db):
        yield {str(name): _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula (ASVS 5.0 1.2.10)."""
    shown = "" if value is None else json.dumps(value) if isinstance(value, dict) else str(value)
    return "'" + shown if shown[:1] in ("=", "+", "-", "@", "\t", "\r") else shown


def _head(witness: str | None) -> Head | None:
    if witness is None:
        return None
    seq, _, mac = witness.partition(":")
    try:
        return Head(int(seq), bytes.fromhex(mac))
    except ValueError:
        raise click.BadParameter("a head is SEQ:MAC, as the worker logs it", param_hint="--head") from None


def _sessions(ini: str) -> Sessions:
    found: Sessions = site(ini, "store").sessions
    return found


@contextmanager
def _reaching_the_database() -> Iterator[None]:
    """As for the other commands, but for the code: 1 says that the chain is broken, 2 that it could not be checked."""
    try:
        with reaching_the_database():
            yield
    except Stop as stop:
        raise Stop(stop.message, USAGE) from None
    except SQLAlchemyError as error:
        traceback.print_exception(error)
        raise Stop("The database has failed, by the fault above.", USAGE) from None
