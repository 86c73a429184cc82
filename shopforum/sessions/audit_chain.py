"""The audit chain: each row of the audit log is sealed by a keyed hash over the row and the seal before it.

Rows are written unsealed, in the transaction of the act they record (`audit.py`), so that no act waits for another. A
moment later the sealer gives them numbers without gaps, in one order for every reader.

A sealed row that is changed, removed or inserted without the key breaks the chain at its number. A chain whose end was
cut off contradicts the head in the log stream, which is why each new head is printed there. Nothing here detects a row
that was removed before it was sealed, within a second of its writing.

Triggers in the database let every role but the owner only append and seal: a row gets its time and its id from the server,
a seal is given once, and the head moves forward, to a seal that is there. docs/threats.md says what this holds against.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ..core.database import Database, ResultRow, once_more, sqlstate
from .audit import SELECTED
from .keyring import AuditKey

# Rows sealed in one transaction.
STEP = 500
# A row may be this much older than one before it: rows get their time when they are written, and are sealed when their
# transactions have ended, in any order. Servers' clocks are also set back, after a failover say.
_SKEW = timedelta(minutes=5)
_INSUFFICIENT_PRIVILEGE = "42501"
# The seal before the first row.
START = bytes(32)

# The columns of the first version of the seal: sealed even where they are NULL. A column that the table gets later is
# sealed where it has a value, so that the seals of older rows stay good. This list never changes.
_FIRST_VERSION = frozenset(
    {
        *(
            "id",
            "at",
            "event",
            "site",
            "initiating_entity",
            "actor",
            "user_id",
            "session_id",
            "revocation_id",
        ),
        *("address", "agent", "request_id", "detail"),
    }
)

# One sealer at a time. Another finds the row locked and leaves the work to the first.
_HEAD = text("SELECT seq, mac FROM audit_head FOR UPDATE SKIP LOCKED")
_UNSEALED = text(f"SELECT {SELECTED} FROM audit_log WHERE seq IS NULL ORDER BY id LIMIT :step")
_SEAL = text("UPDATE audit_log SET seq = :seq, mac = :mac WHERE id = :id AND seq IS NULL")
_MOVE = text("UPDATE audit_head SET seq = :seq, mac = :mac")
_NOTE_KEY = text(
    """INSERT INTO audit_keys AS k (key_id, first_seq, last_seq) VALUES (:key_id, :first, :last)
    ON CONFLICT (key_id) DO UPDATE SET last_seq = greatest(k.last_seq, excluded.last_seq)"""
)
_AT = text("SELECT at, mac FROM audit_log WHERE seq = :seq")
_KEYS = text("SELECT key_id, first_seq, last_seq FROM audit_keys ORDER BY first_seq, key_id")
_READ = text(f"SELECT seq, mac, {SELECTED} FROM audit_log WHERE seq > :after ORDER BY seq LIMIT :step")
_KNOWN = text("SELECT seq, mac FROM audit_head")


@dataclass(frozen=True)
class Head:
    """The newest seal: its number and its hash of 32 bytes. As text: `number:hash in hex`."""

    seq: int
    mac: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.mac.hex()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a head as the worker logs it, `number:hash`. Raises ValueError."""
        seq, _, mac = text.partition(":")
        return cls(int(seq), bytes.fromhex(mac))


@dataclass(frozen=True)
class Verdict:
    """The result of checking the chain: `good` rows, the database's `head`, the number of the first `bad` row and `why` it is
    bad. `bad` is None for a chain in which no fault was found.

    `unchecked` rows were sealed with a key that was not given, `missing_key` by its id: nothing can be said of them.
    """

    good: int
    head: Head
    bad: int | None = None
    why: str = ""
    unchecked: int = 0
    missing_key: str | None = None

    @property
    def ok(self) -> bool:
        """Return whether every row was checked and none is bad."""
        return self.bad is None and not self.unchecked


@dataclass(frozen=True)
class KeyRange:
    """A key that has sealed the audit log, by its id, and the first and the last row that it has sealed."""

    key_id: str
    first_seq: int
    last_seq: int


@once_more
def seal(db: Database, key: AuditKey) -> Head | None:
    """Seal up to STEP rows. Returns the new head; None where nothing was unsealed, where another sealer is at work, or
    where the database's role may not seal (docs/operations.md).
    """
    with db.transaction() as connection:
        try:
            row = connection.execute(_HEAD).mappings().first()
        except DBAPIError as error:
            if sqlstate(error) != _INSUFFICIENT_PRIVILEGE:
                raise
            return None
        rows = connection.execute(_UNSEALED, {"step": STEP}).mappings().all() if row else []
        if row is None or not rows:
            return None
        seq, mac = row["seq"], bytes(row["mac"])
        sealed = []
        for entry in rows:
            seq, mac = seq + 1, mac_of(key.key, mac, seq + 1, entry)
            sealed.append({"id": entry["id"], "seq": seq, "mac": mac})
        connection.execute(_SEAL, sealed)
        connection.execute(_MOVE, {"seq": seq, "mac": mac})
        connection.execute(_NOTE_KEY, {"key_id": key.id, "first": row["seq"] + 1, "last": seq})
    return Head(seq, mac)


def head(db: Database) -> Head:
    """Return the newest seal."""
    row = db.one(_KNOWN)
    return Head(row["seq"], bytes(row["mac"])) if row else Head(0, START)


def sealing_keys(db: Database) -> list[KeyRange]:
    """Return the keys that have sealed the audit log, in the order of their first rows."""
    return [KeyRange(**row) for row in db.all(_KEYS)]


def contains(db: Database, witness: Head) -> bool:
    """Return whether the chain has had this head. The empty chain's is in every one."""
    if witness == Head(0, START):
        return True
    row = db.one(_AT, seq=witness.seq)
    return row is not None and hmac.compare_digest(bytes(row["mac"]), witness.mac)


def newest_at(db: Database) -> datetime | None:
    """Return when the newest sealed row was written; None for an empty log."""
    row = db.one(_AT, seq=head(db).seq)
    return row["at"] if row else None


def verify(db: Database, keys: Sequence[AuditKey], witness: Head | None = None) -> Verdict:
    """Check every sealed row against the one before it, and the end against the head. Stops at the first bad row. Of a chain
    that is intact, a row is bad whose time is earlier than that of a row before it, by more than _SKEW.

    `keys` are all that were ever used, so that a key can be replaced. Rows in the range of a key that is not among them are not
    bad but unchecked, and the check goes on behind them. `witness` is a head that was printed earlier: the chain must
    contain it.
    """
    expected, mac, claimed = 1, START, head(db)
    ranges = sealing_keys(db)
    missing = [one for one in ranges if one.key_id not in {key.id for key in keys}]
    unchecked, missing_key = 0, None
    seen = witness is None or (witness.seq == 0 and witness.mac == START)
    latest = backdated = None
    for row in _sealed(db):
        if row["seq"] != expected:
            return Verdict(expected - 1 - unchecked, claimed, expected, "the row is missing")
        found = bytes(row["mac"] or b"")
        if not any(hmac.compare_digest(mac_of(key.key, mac, expected, row), found) for key in keys):
            absent = next((one for one in missing if one.first_seq <= expected <= one.last_seq), None)
            if absent is None:
                return Verdict(expected - 1 - unchecked, claimed, expected, _not_as_sealed(expected, ranges))
            unchecked, missing_key = unchecked + 1, missing_key or absent.key_id
        mac = found
        if witness is not None and witness.seq == expected:
            seen = hmac.compare_digest(mac, witness.mac)
            if not seen:
                return Verdict(
                    expected - 1 - unchecked,
                    claimed,
                    expected,
                    "the seal differs from the one that was witnessed",
                )
        if latest and row["at"] < latest - _SKEW and backdated is None:
            backdated = Verdict(
                expected - 1 - unchecked, claimed, expected, f"time runs back, from {latest} to {row['at']}"
            )
        latest = max(latest or row["at"], row["at"])
        expected += 1
    if (claimed.seq, claimed.mac) != (expected - 1, mac) or not seen:
        return Verdict(expected - 1 - unchecked, claimed, expected, "the end of the log is cut off")
    return backdated or Verdict(
        expected - 1 - unchecked, claimed, unchecked=unchecked, missing_key=missing_key
    )


def _not_as_sealed(seq: int, ranges: Sequence[KeyRange]) -> str:
    """Say why no key fits a row. The key of a row from before keys were noted is not known."""
    why = "the row is not what was sealed"
    noted = any(one.first_seq <= seq <= one.last_seq for one in ranges)
    return why if noted else f"{why}, or the key that sealed it is missing from shopforum.secret"


def mac_of(key: bytes, before: bytes, seq: int, row: ResultRow) -> bytes:
    """Return the seal of a row under its number: HMAC-SHA-256 over the seal before it, the number and every column.

    The columns are written in one spelling: JSON with sorted keys, instants in UTC to the microsecond.
    """
    columns: dict[str, Any] = {
        str(name): value
        for name, value in row.items()
        if name not in ("seq", "mac") and (value is not None or name in _FIRST_VERSION)
    }
    columns["at"] = columns["at"].astimezone(UTC).isoformat(timespec="microseconds")
    content = json.dumps([seq, columns], sort_keys=True, default=str, separators=(",", ":"))
    return hmac.digest(key, before + content.encode(), hashlib.sha256)


def _sealed(db: Database) -> Iterator[ResultRow]:
    """Yield all sealed rows in their order, read in steps."""
    after = 0
    while rows := db.all(_READ, after=after, step=5000):
        yield from rows
        after = rows[-1]["seq"]
