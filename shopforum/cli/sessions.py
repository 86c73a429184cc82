"""`shopforum sessions`: see and end sessions without the web server, by the console's code and with its audit log.

`list` and `show` are here, `tail` is in `session_tail.py`, `drift` in `session_drift.py`, the acts are in `session_acts.py`, deny rules in
`session_rules.py`.
"""

import json
from datetime import datetime
from typing import Any

import click

from shopforum.core import user_agents
from shopforum.core.read_only_database import ReadOnlyDatabase
from shopforum.operations import act_queries, audit_queries, counts, explain, json_documents, session_queries
from shopforum.operations.filters import SessionFilter
from shopforum.operations.rows import SessionRow

from . import (
    selection,
    session_acts,
    session_drift,
    session_incidents,
    session_page,
    session_rules,
    session_tail,
)
from .deployment import NOTHING, Stop, opened
from .terminal import many, moment, short_moment, table

_COLUMNS = (
    *(("SESSION", 8), ("STATE", 9), ("SITE", 6), ("USER", 18), ("DEVICE", 17), ("ADDRESS", 15)),
    ("LAST SEEN (UTC)", 15),
)


_EXIT_CODES = """\b
Exit codes:
  0  done
  1  nothing matched, or refused: not confirmed, or another count than expected
  2  the call is wrong
  3  the database cannot be reached
  4  ended here; FusionAuth has not confirmed everything yet, the worker retries
"""


@click.group(epilog=_EXIT_CODES)
def command() -> None:
    """See sessions and end them, without the web server.

    Works while the sites or FusionAuth are down: sessions end here at once, and `shopforum worker` tells FusionAuth
    when it is back. The audit log names the actor cli:LOGIN.
    """


@command.command("list")
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@selection.filtered
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True, help="List at most so many."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines: one session a line.")
def list_(ini: str, limit: int, as_json: bool, **filters: str | None) -> None:
    """List sessions, newest sign-in first. A session must match all filters; they are the console's."""
    form = selection.as_filter(filters)
    with opened(ini) as deployment:
        now = deployment.sessions.now()
        found = session_queries.listing(deployment.read_db, form).all(deployment.read_db, limit)
        if as_json:
            for row in found:
                click.echo(json.dumps(json_documents.session(row), default=json_documents.plain))
            return
        rows = list(found)
        click.echo(table(_COLUMNS, [_line(row, now) for row in rows]))
        click.echo(f"\n{_summary(deployment.read_db, form, len(rows))} As of {moment(now)} UTC.")


@command.command()
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.argument("session", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def show(ini: str, session: str, as_json: bool) -> None:
    """Show a session with its timeline, by its id or the first 8 digits of the id."""
    with opened(ini) as deployment:
        db = deployment.read_db
        session_id = selection.session_id(db, session)
        row = session_queries.one(db, session_id)
        if row is None:
            raise Stop("There is no such session.", NOTHING)
        places, timeline = session_queries.places(db, session_id), audit_queries.of_session(db, row)
        if as_json:
            more = {
                "timeline": list(map(json_documents.event, timeline)),
                "seen_at": list(map(json_documents.place, places)),
            }
            click.echo(json.dumps(json_documents.session(row) | more, default=json_documents.plain))
            return
        sections = (
            session_page.facts(row, deployment.sessions.now(), deployment.console),
            session_page.flags(session_queries.flags(db, session_id)),
            session_page.places(places),
            session_page.pairs(session_queries.pairs(db, session_id)),
            session_page.timeline(timeline[::-1]),
        )
        click.echo("\n\n".join(section for section in sections if section))


@command.command()
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.argument("session", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines: one act a line.")
def acts(ini: str, session: str, as_json: bool) -> None:
    """Show what was done on a session, newest first: orders, posts, exports, acts of an admin.

    `elsewhere` marks acts from another network or browser than the sign-in.
    """
    with opened(ini) as deployment:
        db = deployment.read_db
        session_id = selection.session_id(db, session)
        session_page.print_acts(act_queries.of_session(session_id).all(db), as_json=as_json)


@command.command("explain")
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.argument("named", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def explain_(ini: str, named: str, as_json: bool) -> None:
    """Explain why requests were served or refused, newest first.

    ID is a session's id or its first 8 digits, a user's id or whole e-mail address, or the id of a request, as the log and
    the error pages show it.
    """
    with opened(ini) as deployment:
        found = explain.find(deployment.read_db, named)
        if found is None:
            raise Stop(
                "Nothing is stored under this id. A request that was served may be in the log alone: search the log for it.",
                NOTHING,
            )
        if as_json:
            click.echo(json.dumps(json_documents.explanation(found), default=json_documents.plain))
            return
        click.echo(session_page.explanation(found))


def _line(row: SessionRow, now: datetime) -> tuple[Any, ...]:
    marks = ("!" if row.flags else "") + ("?" if row.quarantined_at else "")
    return (
        str(row.id)[:8],
        row.state + marks,
        row.site,
        row.user_name,
        user_agents.label(row.last_agent),
        row.last_address,
        short_moment(row.last_seen_at, now),
    )


def _summary(db: ReadOnlyDatabase, form: SessionFilter, shown: int) -> str:
    count = counts.count(db, session_queries.conditions(db, form))
    if count is None:
        summary = f"{many(shown)}; there may be more, but counting them took too long."
    elif count > shown:
        summary = f"{shown:,} of {f'{counts.CAP:,}+' if count > counts.CAP else f'{count:,}'} sessions."
    else:
        summary = f"{many(shown)}."
    return f"{summary} ! flagged, ? in quarantine."


for _more in (
    session_tail.tail,
    session_drift.drift,
    session_rules.rule,
    session_incidents.incident,
    *session_acts.COMMANDS,
):
    command.add_command(_more)
