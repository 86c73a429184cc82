"""The audit log as a chain: each row is sealed by a keyed hash over itself and the seal before it.

Rows are written unsealed, in the transaction of what they tell (`audit.py`), so that no act waits for another's. The
sealer gives them numbers without gaps, in one order for everybody, a moment later. Whoever changes, removes or slips
in a sealed row without the key breaks the chain there; whoever cuts its end contradicts the head that was printed to
the log stream, which is why it is printed. What nothing here can tell is a row that was removed before it was sealed,
within a second of its writing.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from sqlalchemy import RowMapping, text

from ..core.database import Database, once_more

# Rows sealed in one transaction.
STEP = 500
_START = bytes(32)

_FIELDS = (
    "id, at, event, site, initiating_entity, actor, user_id, session_id, revocation_id, "
    "host(address) AS address, agent, request_id, detail"
)

# One sealer at a time; another finds the row locked and leaves the work to it.
_HEAD = text("SELECT seq, mac FROM audit_head FOR UPDATE SKIP LOCKED")
_UNSEALED = text(f"SELECT {_FIELDS} FROM audit_log WHERE seq IS NULL ORDER BY id LIMIT :step")
_SEAL = text("UPDATE audit_log SET seq = :seq, mac = :mac WHERE id = :id AND seq IS NULL")
_MOVE = text("UPDATE audit_head SET seq = :seq, mac = :mac")
_READ = text(f"SELECT seq, mac, {_FIELDS} FROM audit_log WHERE seq > :after ORDER BY seq LIMIT :step")
_KNOWN = text("SELECT seq, mac FROM audit_head")


@dataclass(frozen=True)
class Head:
    """The newest seal: its number and its hash, 32 bytes."""

    seq: int
    mac: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.mac.hex()}"


@dataclass(frozen=True)
class Verdict:
    """What checking the chain found: how many rows are good, and the number of the first bad one with the reason."""

    good: int
    head: Head
    bad: int | None = None
    why: str = ""


@once_more
def seal(db: Database, key: bytes) -> Head | None:
    """Seal up to STEP rows. Returns the new head, or None where there was nothing to do or another is at it."""
    with db.transaction() as connection:
        row = connection.execute(_HEAD).mappings().first()
        rows = connection.execute(_UNSEALED, {"step": STEP}).mappings().all() if row else []
        if row is None or not rows:
            return None
        seq, mac = row["seq"], bytes(row["mac"])
        sealed = []
        for entry in rows:
            seq, mac = seq + 1, _mac(key, mac, seq + 1, entry)
            sealed.append({"id": entry["id"], "seq": seq, "mac": mac})
        connection.execute(_SEAL, sealed)
        connection.execute(_MOVE, {"seq": seq, "mac": mac})
    return Head(seq, mac)


def head(db: Database) -> Head:
    """The newest seal."""
    row = db.one(_KNOWN)
    return Head(row["seq"], bytes(row["mac"])) if row else Head(0, _START)


def verify(db: Database, keys: Sequence[bytes], witness: Head | None = None) -> Verdict:
    """Check every sealed row against the one before it, and the end against the head.

    `keys` are all that were ever used, so that a key can be replaced. `witness` is a head that was printed earlier: the chain must contain it. Stops at the first bad row.
    """
    expected, mac, claimed = 1, _START, head(db)
    seen = witness is None or (witness.seq == 0 and witness.mac == _START)
    for row in _sealed(db):
        if row["seq"] != expected:
            return Verdict(expected - 1, claimed, expected, "the row is missing")
        found = bytes(row["mac"] or b"")
        if not any(hmac.compare_digest(_mac(key, mac, expected, row), found) for key in keys):
            return Verdict(expected - 1, claimed, expected, "the row is not what was sealed")
        mac = found
        if witness is not None and witness.seq == expected:
            seen = hmac.compare_digest(mac, witness.mac)
            if not seen:
                return Verdict(
                    expected - 1, claimed, expected, "the seal differs from the one that was witnessed"
                )
        expected += 1
    if (claimed.seq, claimed.mac) != (expected - 1, mac) or not seen:
        return Verdict(expected - 1, claimed, expected, "the end of the log is cut off")
    return Verdict(expected - 1, claimed)


def _sealed(db: Database) -> Iterator[RowMapping]:
    """All sealed rows in order, read in steps."""
    after = 0
    while rows := db.all(_READ, after=after, step=5000):
        yield from rows
        after = rows[-1]["seq"]


def _mac(key: bytes, before: bytes, seq: int, row: RowMapping) -> bytes:
    """The seal of a row: over the seal before it, its number and every field, in one spelling."""
    fields: dict[str, Any] = {name: value for name, value in row.items() if name not in ("seq", "mac")}
    fields["at"] = fields["at"].astimezone(UTC).isoformat(timespec="microseconds")
    content = json.dumps([seq, fields], sort_keys=True, default=str, separators=(",", ":"))
    return hmac.digest(key, before + content.encode(), hashlib.sha256)
