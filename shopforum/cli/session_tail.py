"""`shopforum sessions tail`: follow the audit log."""

import json
import signal
import time
from collections.abc import Iterator

import click

from shopforum.core.ids import parse_uuid
from shopforum.core.listing import Listing
from shopforum.operations import audit_queries, json_documents, labels
from shopforum.operations.rows import AuditRow
from shopforum.sessions import Sessions, jobs

from . import selection
from .deployment import Deployment, opened
from .terminal import fit, moment, safe

_POLL_SECONDS = 0.5
_WIDTHS = (14, 24, 6, 22, 8, 15)


@click.command()
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.option("--event", "events", metavar="NAME", multiple=True, help="Only this event; may be repeated.")
@click.option("--session", metavar="ID", help="Only events of this session.")
@click.option("--user", metavar="ID", help="Only events of this user, by id.")
@click.option(
    "--after", metavar="SEQ", type=click.IntRange(0, 2**63 - 1), help="Begin after this sequence number."
)
@click.option("--once", is_flag=True, help="Exit when all events are printed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines: one event a line, as in the API.")
def tail(
    ini: str,
    events: tuple[str, ...],
    session: str | None,
    user: str | None,
    after: int | None,
    once: bool,
    as_json: bool,
) -> None:
    """Follow the audit log: print the last ten events, then each new one when it is sealed, until Ctrl-C.

    The worker seals the log every second. Without a worker, this command seals it and prints each new head on standard
    error, as the worker does.
    """
    of_user = parse_uuid(user)
    if user and of_user is None:
        raise click.BadParameter("this is not an id", param_hint="--user")
    with opened(ini) as deployment:
        listing = audit_queries.sealed_rows(
            events, selection.session_id(deployment.read_db, session) if session else None, of_user
        )
        if not as_json:
            click.echo(_columns("AT (UTC)", "EVENT", "SITE", "BY", "SESSION", "FROM"))
        # A shell's background job inherits an ignored interrupt, and Python then installs no handler.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            for row in _followed(deployment, listing, after, once=once):
                click.echo(
                    json.dumps(json_documents.event(row), default=json_documents.plain)
                    if as_json
                    else _line(row)
                )
        except KeyboardInterrupt:
            # Ctrl-C is the way to end it.
            return


def _followed(
    deployment: Deployment, listing: Listing[AuditRow], after: int | None, *, once: bool
) -> Iterator[AuditRow]:
    """Yield sealed rows in the order of their numbers, which is one for all readers: no row is skipped or repeated."""
    db = deployment.read_db
    _seal(deployment.sessions)
    if after is None:
        rows = listing.first(db, 10)[::-1]
        yield from rows
        after = rows[-1].seq if rows else audit_queries.sealed(db).seq
    while True:
        rows = audit_queries.following(db, listing, after or 0)
        yield from rows
        if rows:
            after = rows[-1].seq
        elif once:
            return
        else:
            time.sleep(_POLL_SECONDS)
            if audit_queries.has_unsealed(db):
                _seal(deployment.sessions)


def _seal(sessions: Sessions) -> None:
    """Seal the rows that wait. Each head is printed: it is the witness outside the database."""
    while head := jobs.seal(sessions):
        click.echo(f"audit.sealed head={head}", err=True)


def _line(row: AuditRow) -> str:
    """Return an event as one line."""
    who = row.actor or (f"user {str(row.user_id)[:8]}" if row.user_id else row.initiating_entity)
    values = (
        *(moment(row.at)[5:], labels.event(row.event).label, row.site, who),
        *(str(row.session_id or "")[:8], row.address or ""),
    )
    return _columns(*values)


def _columns(*values: object) -> str:
    """Return values in columns of a fixed width: later values are not known yet."""
    return "  ".join(
        fit(safe(value), width).ljust(width) for value, width in zip(values, _WIDTHS, strict=True)
    ).rstrip()
