"""One session as `shopforum sessions show` prints it; all times are in UTC."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from textwrap import fill

import click

from shopforum.core import user_agents
from shopforum.operations import json_documents, labels
from shopforum.operations.explain import Explanation
from shopforum.operations.rows import ActRow, AuditRow, Flag, PairRow, Place, SessionRow

from .terminal import WIDTH, full_moment, moment, safe, table

_LABEL = 14
_ACTS = (
    *(("AT (UTC)", 19), ("SESSION", 8), ("SITE", 6), ("USER", 18), ("ACT", 30)),
    *(("FROM", 9), ("ADDRESS", 15), ("BROWSER", 17)),
)


def facts(row: SessionRow, now: datetime, console: str) -> str:
    """Return the session's facts, one a line. `now` is the database's time, `console` the console's URL."""
    state = row.state + (", in quarantine" if row.quarantined_at else "")
    lines = [
        ("Session", row.id),
        ("User", f"{row.user_name} <{row.user_email}> {row.user_id}"),
        ("Site", row.site),
        ("State", f"{state}: {labels.state(row.state).text}"),
        ("Signed in", f"{full_moment(row.created_at, now)} from {row.address or 'an unknown address'}"),
        ("Browser", f"{user_agents.label(row.agent)}: {row.agent}"),
        (
            "Last seen",
            f"{full_moment(row.last_seen_at, now)} from {row.last_address or 'an unknown address'}",
        ),
        ("Device key", f"{labels.binding(row.binding).label}: {labels.binding(row.binding).text}"),
        ("Refreshed", f"{row.refresh_count} times, last {full_moment(row.refreshed_at, now)}"),
    ]
    if row.ended_at:
        lines.append(("Ended", f"{full_moment(row.ended_at, now)}: {labels.reason(row.end_reason or '')}"))
    else:
        lines += [
            ("Idle timeout", full_moment(row.idle_end, now)),
            ("Absolute end", full_moment(row.absolute_end, now)),
        ]
    if row.revocation_id:
        lines.append(("Receipt", f"{console}/revocations/{row.revocation_id}"))
    lines.append(("Console", f"{console}/sessions/{row.id}"))
    indent = " " * (_LABEL + 1)
    return "\n".join(
        fill(f"{label:<{_LABEL}} {safe(value)}", WIDTH, subsequent_indent=indent, break_on_hyphens=False)
        for label, value in lines
    )


def flags(found: Sequence[Flag]) -> str:
    """Return the session's flags as a table; empty if there are none."""
    heads = (("FLAG", 24), ("TIMES", 6), ("LAST (UTC)", 19), ("FROM", 15), ("BROWSER", 24))
    rows = [
        (
            *(labels.flag(flag.kind).label, flag.count, moment(flag.last_at), flag.last_address),
            user_agents.label(flag.last_agent),
        )
        for flag in found
    ]
    return table(heads, rows) if rows else ""


def places(found: Sequence[Place]) -> str:
    """Return the places that the session was used from as a table; empty if none is known."""
    heads = (("USED FROM", 24), ("BROWSER", 24), ("FIRST (UTC)", 19), ("LAST (UTC)", 19))
    rows = [
        (
            place.address,
            user_agents.label(place.agent),
            moment(place.first_at),
            moment(place.last_at),
        )
        for place in found
    ]
    return table(heads, rows) if rows else ""


def pairs(found: Sequence[PairRow]) -> str:
    """Return the pairs of cookies that were issued as a table."""
    heads = (("PAIR", 6), ("WHY", 10), ("ISSUED (UTC)", 19), ("FIRST SEEN (UTC)", 19), ("FROM", 24))
    rows = [
        (
            *(
                pair.number,
                labels.pair(pair.why),
                moment(pair.created_at),
                moment(pair.seen_at),
            ),
            pair.seen_address,
        )
        for pair in found
    ]
    return table(heads, rows) if rows else ""


def timeline(found: Sequence[AuditRow]) -> str:
    """Return the session's events, oldest first, as a table."""
    heads = (("HAPPENED (UTC)", 19), ("WHAT", 30), ("BY", 24), ("FROM", 15))
    rows = [
        (
            *(moment(event.at), labels.event(event.event).label),
            *(event.actor or event.initiating_entity, event.address),
        )
        for event in found
    ]
    return table(heads, rows) if rows else ""


def print_acts(rows: Iterable[ActRow], *, as_json: bool) -> None:
    """Print the acts of sessions, as a table or as JSON lines."""
    if not as_json:
        click.echo(acts(list(rows)))
        return
    for row in rows:
        click.echo(json.dumps(json_documents.act(row), default=json_documents.plain))


def acts(rows: Sequence[ActRow]) -> str:
    """Return the acts of sessions as a table, those from elsewhere marked."""
    lines = [
        (
            moment(row.at),
            str(row.session_id)[:8],
            row.site,
            row.user_name,
            f"{labels.act(row.kind)} {row.reference}".rstrip(),
            "elsewhere" if row.elsewhere else "",
            row.address,
            row.device,
        )
        for row in rows
    ]
    return table(_ACTS, lines)


def explanation(found: Explanation) -> str:
    """Return why requests were served or refused: what a session's next request would meet, then the decisions, newest first."""
    parts = []
    if found.session:
        verdict = "is served" if found.served else "is refused"
        parts.append(
            f"The next request of session {found.session.id} {verdict}: pair {found.session.head} holds."
        )
        parts += [
            f"  {'ok' if check.passes else 'NO'}  {check.rule}: {safe(check.text)}" for check in found.checks
        ]
    for each in found.decisions:
        where = " ".join(
            part
            for part in (
                each.site,
                each.address or "",
                user_agents.label(each.agent) if each.agent else "",
                f"request {each.request_id}" if each.request_id else "",
                f"session {str(each.session_id)[:8]}" if each.session_id else "",
                f"x{each.times}" if each.times > 1 else "",
            )
            if part
        )
        parts.append(f"{moment(each.at)}  {safe(each.text)}\n{' ' * 21}{safe(where)}")
    return "\n".join(parts)
