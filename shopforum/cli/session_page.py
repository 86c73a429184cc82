"""One session as `shopforum sessions show` prints it; all times are in UTC."""

from collections.abc import Sequence
from datetime import datetime
from textwrap import fill

from sqlalchemy import RowMapping

from shopforum.core import user_agents
from shopforum.operations import labels

from .terminal import WIDTH, full_moment, moment, safe, table

_LABEL = 14


def facts(row: RowMapping, now: datetime, console: str) -> str:
    """What is known of it, a line a fact; `now` is the database's, `console` the console's address."""
    state = row["state"] + (", in quarantine" if row["quarantined_at"] else "")
    told = [
        ("Session", row["id"]),
        ("User", f"{row['user_name']} <{row['user_email']}> {row['user_id']}"),
        ("Site", row["site"]),
        ("State", f"{state}: {labels.state(row['state']).text}"),
        ("Signed in", f"{full_moment(row['created_at'], now)} from {row['address'] or 'an unknown address'}"),
        ("Browser", f"{user_agents.label(row['agent'])}: {row['agent']}"),
        (
            "Last seen",
            f"{full_moment(row['last_seen_at'], now)} from {row['last_address'] or 'an unknown address'}",
        ),
        ("Renewed", f"{row['refresh_count']} times, last {full_moment(row['refreshed_at'], now)}"),
    ]
    if row["ended_at"]:
        told.append(("Ended", f"{full_moment(row['ended_at'], now)}: {labels.reason(row['end_reason'])}"))
    else:
        told += [
            ("Idles out", full_moment(row["idle_end"], now)),
            ("At the latest", full_moment(row["absolute_end"], now)),
        ]
    if row["revocation_id"]:
        told.append(("Receipt", f"{console}/revocations/{row['revocation_id']}"))
    told.append(("Console", f"{console}/sessions/{row['id']}"))
    indent = " " * (_LABEL + 1)
    return "\n".join(
        fill(f"{label:<{_LABEL}} {safe(value)}", WIDTH, subsequent_indent=indent, break_on_hyphens=False)
        for label, value in told
    )


def flags(found: Sequence[RowMapping]) -> str:
    """Why the session deserves a look, as a table; empty where it does not."""
    heads = (("FLAG", 24), ("TIMES", 6), ("LAST (UTC)", 19), ("FROM", 15), ("BROWSER", 24))
    rows = [
        (
            *(labels.flag(flag["kind"]).label, flag["count"], moment(flag["last_at"]), flag["last_address"]),
            user_agents.label(flag["last_agent"]),
        )
        for flag in found
    ]
    return table(heads, rows) if rows else ""


def places(found: Sequence[RowMapping]) -> str:
    """From where it was used, as a table; empty where nobody knows."""
    heads = (("USED FROM", 24), ("BROWSER", 24), ("FIRST (UTC)", 19), ("LAST (UTC)", 19))
    rows = [
        (
            place["address"],
            user_agents.label(place["agent"]),
            moment(place["first_at"]),
            moment(place["last_at"]),
        )
        for place in found
    ]
    return table(heads, rows) if rows else ""


def pairs(found: Sequence[RowMapping]) -> str:
    """The pairs of cookies that were handed out, as a table."""
    heads = (("PAIR", 6), ("WHY", 10), ("HANDED OUT (UTC)", 19), ("FIRST SEEN (UTC)", 19), ("FROM", 24))
    rows = [
        (
            *(
                pair["generation"],
                labels.pair(pair["why"]),
                moment(pair["created_at"]),
                moment(pair["seen_at"]),
            ),
            pair["seen_address"],
        )
        for pair in found
    ]
    return table(heads, rows) if rows else ""


def timeline(found: Sequence[RowMapping]) -> str:
    """What happened, oldest first, as a table."""
    heads = (("HAPPENED (UTC)", 19), ("WHAT", 30), ("BY", 24), ("FROM", 15))
    rows = [
        (
            *(moment(event["at"]), labels.event(event["event"]).label),
            *(event["actor"] or event["initiating_entity"], event["address"]),
        )
        for event in found
    ]
    return table(heads, rows) if rows else ""
