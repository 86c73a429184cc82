"""Comparisons with FusionAuth, kept: nightly and on demand, by the worker, in steps of a hundred users.

At most one comparison is under way. Each step is claimed, asks FusionAuth without a connection to the database, and stores how
far it has come; a worker that dies leaves the step to the next one. While FusionAuth is away, the comparison waits; where it fails
for some users alone, they are left out and named.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from ..core.database import Database, ResultRow
from ..core.purge import Purge
from ..core.queue import Queue
from ..core.read_only_database import ReadOnlyDatabase
from ..idp import FusionAuth
from ..sessions import AuthorityUnavailable
from . import drift
from .drift import Drift, DriftKind

# Disagreements that are kept of one comparison; all are counted.
MOST = 100
# Milliseconds of a statement of a step.
_PATIENCE = 60_000

_QUEUE = Queue(
    "drift_checks",
    lease=600,
    first_wait=60,
    longest_wait=3600,
    pending="ended_at IS NULL",
    finish="""UPDATE drift_checks SET after_user = :after, users = users + :users, found = found + :found, rows = rows || :rows,
      left_out = left_out + :left_out, left_out_users = left_out_users || CAST(:left_out_users AS uuid[]),
      attempts = 0, last_error = '', next_try_at = clock_timestamp(), ended_at = CASE WHEN :last THEN clock_timestamp() END
    WHERE id = :id AND attempts = :attempts AND ended_at IS NULL""",
)
_STEP = _QUEUE.finish_statement.bindparams(bindparam("rows", type_=JSONB))

# In one statement: of several workers one begins it.
_BEGIN = """INSERT INTO drift_checks (actor) SELECT :actor WHERE {due}
    ON CONFLICT ((ended_at IS NULL)) WHERE ended_at IS NULL DO NOTHING RETURNING id"""
_ASK = text(_BEGIN.format(due="true"))
_NIGHTLY = text(
    _BEGIN.format(
        due="""extract(hour FROM now() AT TIME ZONE 'UTC') = :hour
      AND NOT EXISTS (SELECT 1 FROM drift_checks WHERE created_at > now() - interval '20 hours')"""
    )
)

_COLUMNS = "id, created_at, actor, users, found, rows, left_out, left_out_users, last_error, ended_at"
_LATEST = text(
    f"SELECT {_COLUMNS} FROM drift_checks WHERE ended_at IS NOT NULL ORDER BY created_at DESC LIMIT 1"
)
_OPEN = text(f"SELECT {_COLUMNS} FROM drift_checks WHERE ended_at IS NULL")

PURGES = (
    Purge(
        "drift_checks",
        "created_at < now() - interval '90 days' AND ended_at IS NOT NULL",
        order="created_at",
        step=50,
    ),
)


@dataclass(frozen=True)
class Check:
    """A comparison: who asked for it (empty: nobody, it is the nightly one), the `users` that were compared so far, how many
    disagreements were `found`, and the first MOST of them as `rows`. Of `left_out` users FusionAuth gave no proper answer; the
    first MOST are `left_out_users`. `last_error` says why it waits. `ended_at` is None while it is
    under way.
    """

    id: int
    created_at: datetime
    actor: str
    users: int
    found: int
    rows: list[Drift]
    left_out: int
    left_out_users: list[UUID]
    last_error: str
    ended_at: datetime | None


def ask(db: Database, actor: str) -> bool:
    """Begin a comparison, which the worker carries out; False where one is under way."""
    return bool(db.all(_ASK, actor=actor))


def latest(db: ReadOnlyDatabase) -> Check | None:
    """Return the latest comparison that has ended, or None."""
    row = db.one(_LATEST)
    return None if row is None else _check(row)


def under_way(db: ReadOnlyDatabase) -> Check | None:
    """Return the comparison that is under way, or None."""
    row = db.one(_OPEN)
    return None if row is None else _check(row)


def run_once(db: Database, idp: FusionAuth, hour: int) -> int:
    """Begin the nightly comparison where it is due, in the hour `hour` (UTC; -1: never), and do one step of the comparison that is
    under way; return 1 where there was a step.
    """
    if hour >= 0:
        db.all(_NIGHTLY, actor="", hour=hour)
    claimed = _QUEUE.claim(db, 1)
    for row in claimed:
        try:
            page = drift.page(ReadOnlyDatabase(db, _PATIENCE), idp, row["after_user"])
        except AuthorityUnavailable:
            _QUEUE.failed(db, row, "FusionAuth does not answer.")
            continue
        kept = [_plain(one) for one in page.found[: max(0, MOST - len(row["rows"]))]]
        values = {"after": page.last or row["after_user"], "users": page.users, "found": len(page.found)}
        named = page.left_out[: max(0, MOST - len(row["left_out_users"]))]
        values |= {"left_out": len(page.left_out), "left_out_users": named}
        db.all(_STEP, id=row["id"], attempts=row["attempts"], rows=kept, last=page.last is None, **values)
    return len(claimed)


def _plain(one: Drift) -> dict[str, str | None]:
    return {name: None if value is None else str(value) for name, value in asdict(one).items()}


def _check(row: ResultRow) -> Check:
    return Check(**{**row, "rows": [_drift(kept) for kept in row["rows"]]})


def _drift(kept: dict[str, Any]) -> Drift:
    return Drift(
        DriftKind(kept["kind"]),
        kept["site"],
        UUID(kept["user_id"]),
        UUID(kept["token_id"]),
        UUID(kept["session_id"]) if kept["session_id"] else None,
    )
