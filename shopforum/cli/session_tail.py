"""`shopforum sessions tail`: the audit log as it grows."""

import json
import signal
import time
from collections.abc import Iterator
from typing import Any

import click
from sqlalchemy import RowMapping, Select

from shopforum.core.ids import parse_uuid
from shopforum.operations import audit_queries, json_documents, labels
from shopforum.sessions import Sessions, jobs

from . import selection
from .deployment import Deployment, opened
from .terminal import fit, moment, safe

_STEP = 500
_POLL_SECONDS = 0.5
_WIDTHS = (14, 24, 6, 22, 8, 15)


@click.command()
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.option("--event", "events", metavar="NAME", multiple=True, help="Only such events; may be repeated.")
@click.option("--session", metavar="ID", help="Only of this session.")
@click.option("--user", metavar="ID", help="Only of this user, by id.")
@click.option(
    "--after", metavar="SEQ", type=click.IntRange(0, 2**63 - 1), help="Begin behind this sequence number."
)
@click.option("--once", is_flag=True, help="End when all there is was printed.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines: one event a line, as the API has it.")
def tail(
    ini: str,
    events: tuple[str, ...],
    session: str | None,
    user: str | None,
    after: int | None,
    once: bool,
    as_json: bool,
) -> None:
    """Follow the audit log: the last ten events, then each as it is sealed, until Ctrl-C.

    The worker seals the log every second. Where none runs, this command does it, and prints each new head on standard
    error as the worker would.
    """
    of_user = parse_uuid(user)
    if user and of_user is None:
        raise click.BadParameter("this is not an id", param_hint="--user")
    with opened(ini) as deployment:
        of_session = selection.session_id(deployment.read_db, session) if session else None
        statement = audit_queries.followed(events, of_session, of_user)
        if not as_json:
            click.echo(_columns("AT (UTC)", "EVENT", "SITE", "BY", "SESSION", "FROM"))
        # A shell's background job inherits an ignored interrupt, and Python then installs no handler.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            for row in _followed(deployment, statement, after, once=once):
                click.echo(
                    json.dumps(json_documents.event(row), default=json_documents.plain)
                    if as_json
                    else _line(row)
                )
        except KeyboardInterrupt:
            # That is how one ends it.
            return


def _followed(
    deployment: Deployment, statement: Select[Any], after: int | None, *, once: bool
) -> Iterator[RowMapping]:
    """Sealed rows in their order. Numbers are given in one order for everybody, so none is skipped or repeated."""
    db, seq = deployment.read_db, audit_queries.SEQ
    _seal(deployment.sessions)
    if after is None:
        rows = db.all(statement.order_by(seq.desc()).limit(10))[::-1]
        yield from rows
        after = rows[-1]["seq"] if rows else audit_queries.sealed(db).seq
    while True:
        rows = db.all(statement.where(seq > after).order_by(seq).limit(_STEP))
        yield from rows
        if rows:
            after = rows[-1]["seq"]
        elif once:
            return
        else:
            time.sleep(_POLL_SECONDS)
            if audit_queries.sealing_is_overdue(db):
                _seal(deployment.sessions)


def _seal(sessions: Sessions) -> None:
    """Seal what waits. Each head is printed: it is the witness outside the database."""
    while head := jobs.seal(sessions):
        click.echo(f"audit.sealed head={head}", err=True)


def _line(row: RowMapping) -> str:
    """An event on one line."""
    who = row["actor"] or (f"user {str(row['user_id'])[:8]}" if row["user_id"] else row["initiating_entity"])
    values = (
        *(moment(row["at"])[5:], labels.event(row["event"]).label, row["site"], who),
        *(str(row["session_id"] or "")[:8], row["address"] or ""),
    )
    return _columns(*values)


def _columns(*values: object) -> str:
    """Values in columns of a fixed width: what comes later is not known yet."""
    return "  ".join(
        fit(safe(value), width).ljust(width) for value, width in zip(values, _WIDTHS, strict=True)
    ).rstrip()
