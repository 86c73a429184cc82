"""The console's lists under every filter and every pair of filters: how long the first page takes, in milliseconds."""

import time
from collections.abc import Iterator
from itertools import combinations

from sqlalchemy import text

from shopforum.core.read_only_database import ReadOnlyDatabase, TooSlow
from shopforum.operations import session_queries
from shopforum.operations.filters import SessionFilter

from .fill import CROWD, RARE_AGENT

# Milliseconds that a first page may take at a million sessions.
SLOW = 50.0
# A page of the console's list.
_ROWS = 30


def values(db: ReadOnlyDatabase) -> list[dict[str, str]]:
    """Return filters of one field: for each field one that matches much, and one that matches little."""
    days = {
        n: db.only(text(f"SELECT (now() - interval '{n} days')::date::text AS day"))["day"] for n in (1, 50)
    }
    return [
        *({"state": state} for state in ("active", "dormant", "flagged", "revoked", "expired")),
        *({"user": user} for user in ("p1@mail.example", "p77777@mail.example", "nobody@mail.example")),
        *({"site": site} for site in ("store", "admin")),
        *({"ip": ip} for ip in ("10.0.0.0/8", CROWD, "198.18.1.7", "203.0.113.9")),
        *({"device": device} for device in ("chrome", RARE_AGENT.split("/")[0].lower(), "nokia")),
        *({"flag": flag} for flag in ("two_places", "quarantined", "session_blocked")),
        *({"binding": binding} for binding in ("bound", "offered", "unbound")),
        *(
            {name: days[n]}
            for name in ("created_after", "created_before", "seen_after", "seen_before")
            for n in days
        ),
    ]


def measured(db: ReadOnlyDatabase) -> Iterator[tuple[float, dict[str, str]]]:
    """Measure each filter and each pair of filters of different fields: the fastest of a few reads of the first page, infinite
    where each took longer than the console waits.
    """
    single = values(db)
    pairs = ({**one, **other} for one, other in combinations(single, 2) if one.keys() != other.keys())
    for chosen in ({}, *single, *pairs):
        took = _read(db, chosen)
        # On a busy machine a slow read says little, unless it is slow again.
        for _ in range(4):
            took = min(took, _read(db, chosen)) if took > SLOW else took
        yield took, chosen


def _read(db: ReadOnlyDatabase, chosen: dict[str, str]) -> float:
    began = time.perf_counter()
    try:
        session_queries.listing(db, SessionFilter.parse(chosen)).part(db, size=_ROWS)
    except TooSlow:
        return float("inf")
    return 1000 * (time.perf_counter() - began)
