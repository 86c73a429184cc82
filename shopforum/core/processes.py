"""The processes of a deployment: each web server and worker has a row, and writes a sign of life into it.

The row shows an operator who is there, and that a process can write. `ending` says that this process is about to end: it
answers what it gets, and asks the load balancer for no more.
"""

import os
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import text

from .database import Database
from .purge import Purge

WEB, WORKER, CHECK = "web", "worker", "check"

PURGES = (Purge("processes", "seen_at < now() - interval '1 day'", order="seen_at"),)

ending = threading.Event()

_identity = uuid4()


def _become_another() -> None:
    global _identity  # noqa: PLW0603  a process has one, and a forked one is another
    _identity = uuid4()


os.register_at_fork(after_in_child=_become_another)

_SEEN = text(
    """INSERT INTO processes (id, kind, host, pid, keys) VALUES (:id, :kind, :host, :pid, CAST(:keys AS text[]))
    ON CONFLICT (id) DO UPDATE SET keys = excluded.keys, seen_at = clock_timestamp(), ended_at = NULL"""
)
_ENDED = text("UPDATE processes SET seen_at = clock_timestamp(), ended_at = clock_timestamp() WHERE id = :id")
_RUNNING = text(
    """SELECT count(*) AS n FROM processes
    WHERE seen_at > now() - :seconds * interval '1 second' AND kind = :kind AND ended_at IS NULL"""
)

_LISTED = text(
    """SELECT kind, host, pid, keys FROM processes WHERE ended_at IS NULL AND kind IN ('web', 'worker')
    AND seen_at > now() - interval '1 minute' ORDER BY kind, host, pid"""
)
_SIGNS_OF_LIFE = text(
    """SELECT kind, count(*) FILTER (WHERE seen_at > now() - interval '1 minute') AS running,
      extract(epoch FROM clock_timestamp() - max(seen_at)) AS newest_seconds
    FROM processes WHERE ended_at IS NULL GROUP BY kind"""
)


@dataclass(frozen=True)
class SignsOfLife:
    """The processes of a kind that gave a sign of life within a minute: their number, and the age of the newest sign in seconds."""

    running: int
    newest_seconds: float


def seen(db: Database, kind: str, keys: Sequence[str] = ()) -> None:
    """Write a sign of life of this process, of a kind above. `keys` are the ids of the keys that it knows, the newest first.

    Raises sqlalchemy.exc.DBAPIError.
    """
    db.all(
        _SEEN, id=_identity, kind=kind, host=socket.gethostname()[:200], pid=os.getpid(), keys=[*keys] or None
    )


def ended(db: Database) -> None:
    """Write that this process ends. Raises sqlalchemy.exc.DBAPIError."""
    db.all(_ENDED, id=_identity)


def running(db: Database, kind: str, seconds: float) -> int:
    """Return how many processes of a kind have given a sign of life within the last seconds."""
    return int(db.only(_RUNNING, kind=kind, seconds=seconds)["n"])


@dataclass(frozen=True)
class Running:
    """A process that has given a sign of life within a minute: its kind, machine and number there, and the ids of the keys that
    it knows, the newest first; None for one that does not say.
    """

    kind: str
    host: str
    pid: int
    keys: list[str] | None


def listed(db: Database) -> list[Running]:
    """Return the web servers and workers that run, as far as they have given a sign of life within a minute."""
    return [Running(**row) for row in db.all(_LISTED)]


def signs_of_life(db: Database) -> dict[str, SignsOfLife]:
    """Return the signs of life of the processes that have not ended, by kind. A kind without a row is left out."""
    rows = db.all(_SIGNS_OF_LIFE)
    return {row["kind"]: SignsOfLife(row["running"], max(0.0, float(row["newest_seconds"]))) for row in rows}
