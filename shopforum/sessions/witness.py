"""The witness of the audit log: a memory, outside the database, of the heads that its chain has had.

A failover to a standby that was behind, and a restore from a backup, lose the newest rows. The remaining chain is
intact, so the database alone cannot notice the loss. The acts that the lost rows record are lost with them:
revocations, lifted and added rules, revoked tokens. A worker that remembers the heads can tell: the chain must contain
the newest of them. If it does not, the worker raises an alarm, names the lost rows, and asks for the password on the
sessions that have been used since, any of which may be one that a lost revocation had ended.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import text

from ..core import metrics
from ..core.database import Database
from ..core.settings import SettingsError, setting
from . import audit, quarantine
from .audit import Client, Event
from .audit_chain import START, Head
from .live import LIVE_AMONG_MANY
from .model import Reason
from .vocabulary import EndReason, EventName, InitiatingEntity

# Heads that are remembered. The newest that the chain still contains is the end of what was kept.
_REMEMBERED = 200
# Sessions that are put into quarantine in one transaction.
_STEP = 500
# A session that was used this many seconds before a row was lost may not have been written to again (`sessions.touch_every`).
_MARGIN = 60

_LOOK = text(
    "SELECT h.seq, h.mac, (SELECT a.mac FROM audit_log a WHERE a.seq = :seq) AS found FROM audit_head h"
)
_KEPT = text(
    """SELECT a.seq, a.at FROM audit_log a
    JOIN unnest(CAST(:seqs AS bigint[]), CAST(:macs AS bytea[])) AS w (seq, mac) ON a.seq = w.seq AND a.mac = w.mac
    ORDER BY a.seq DESC LIMIT 1"""
)
_AT = text("SELECT a.seq, a.at FROM audit_log a WHERE a.seq = :seq")
_USED_SINCE = text(
    f"""SELECT s.id FROM sessions s WHERE s.quarantined_at IS NULL AND {LIVE_AMONG_MANY}
    AND (CAST(:since AS timestamptz) IS NULL
      OR s.last_seen_at >= CAST(:since AS timestamptz) - {_MARGIN} * interval '1 second')
    ORDER BY s.id LIMIT {_STEP}"""
)
_ALARMED = text(
    f"""SELECT 1 FROM audit_log WHERE event = '{EventName.AUDIT_ROWS_LOST}' AND detail ->> 'witnessed' = :witnessed LIMIT 1"""
)


@dataclass(frozen=True, kw_only=True)
class WitnessSettings:
    """The memory of the audit log's heads, and what a loss leads to."""

    file: str = setting(
        "audit.witness_file",
        "",
        "a file of the worker's own, where it remembers the heads of the audit log over a restart, on another disk than the "
        "database's; empty: only while it runs",
    )
    quarantine: bool = setting(
        "audit.quarantine_after_loss",
        True,
        "ask for the password on the sessions that were used since rows of the audit log were lost",
    )


@dataclass(frozen=True)
class Loss:
    """Rows of the audit log that were there and are not: those after `kept` up to `witnessed`. `since` is when the kept row was
    written; None where none is known to have been kept.
    """

    kept: int
    since: datetime | None
    witnessed: Head

    @property
    def rows(self) -> int:
        """The number of rows that were lost, at least."""
        return self.witnessed.seq - self.kept if self.since else 1


@dataclass
class Witness:
    """The heads that this process has seen, the newest last; in `path` as well, unless that is None. Not thread-safe."""

    path: Path | None = None
    _heads: deque[Head] = field(init=False)

    def __post_init__(self) -> None:
        self._heads = deque(_read(self.path) if self.path else [], maxlen=_REMEMBERED)

    @property
    def newest(self) -> Head | None:
        """The newest head that was seen."""
        return self._heads[-1] if self._heads else None

    def look(self, db: Database) -> Loss | None:
        """Compare the chain with the newest head that was seen, and remember its head. Returns what is lost, or None.

        Raises OSError where the file cannot be written, sqlalchemy.exc.DBAPIError.
        """
        newest = self.newest or Head(0, START)
        row = db.only(_LOOK, seq=newest.seq)
        if newest.seq and bytes(row["found"] or b"") != newest.mac:
            return self._loss(db, newest, row["seq"])
        if row["seq"] != newest.seq:
            self._remember(Head(row["seq"], bytes(row["mac"])))
        return None

    def reset(self, head: Head) -> None:
        """Forget all heads but this one, after an alarm or a restore. Raises OSError."""
        self._heads.clear()
        self._remember(head)

    def _loss(self, db: Database, newest: Head, claimed: int) -> Loss:
        kept = db.one(_KEPT, seqs=[one.seq for one in self._heads], macs=[one.mac for one in self._heads])
        if kept is None and claimed < newest.seq:
            # The restore is older than all remembered heads. The newest row that it brought back is the last one kept.
            kept = db.one(_AT, seq=claimed)
        return Loss(kept["seq"], kept["at"], newest) if kept else Loss(0, None, newest)

    def _remember(self, head: Head) -> None:
        self._heads.append(head)
        if self.path:
            # Whole or not at all, however the process ends.
            new = self.path.with_name(self.path.name + ".new")
            new.write_text("".join(f"{one}\n" for one in self._heads), encoding="ascii")
            new.replace(self.path)


def raise_alarm(db: Database, loss: Loss, *, put_into_quarantine: bool, client: Client) -> int | None:
    """Write the loss to the audit log, count it, and put the sessions that were used since into quarantine.

    Returns how many; None where another worker has raised this alarm.
    """
    if db.one(_ALARMED, witnessed=str(loss.witnessed)):
        return None
    detail = {
        "kept": loss.kept,
        "witnessed": str(loss.witnessed),
        "rows": loss.rows,
        "since": loss.since.isoformat() if loss.since else None,
        "quarantine": put_into_quarantine,
    }
    audit.append(db, Event(EventName.AUDIT_ROWS_LOST, "all", client, actor="worker", detail=detail))
    metrics.AUDIT_ROWS_LOST.inc(loss.rows)
    return _quarantine(db, loss, client) if put_into_quarantine else 0


def _quarantine(db: Database, loss: Loss, client: Client) -> int:
    reason = Reason(InitiatingEntity.SYSTEM, "worker", EndReason.AUDIT_ROWS_LOST)
    done = 0
    while ids := [row["id"] for row in db.all(_USED_SINCE, since=loss.since)]:
        done += quarantine.enter(db, ids, reason, client)
    return done


def _read(path: Path) -> list[Head]:
    """Read the remembered heads. A file that is not there yet has none. Raises SettingsError for another content."""
    try:
        return [Head.parse(line) for line in path.read_text(encoding="ascii").splitlines()]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it does not hold heads of the audit log"
        raise SettingsError(f"audit.witness_file cannot be used: {why}") from None
