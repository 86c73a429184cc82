"""The durability of an acknowledged commit: which failures of this database's servers it survives.

A revocation is a commit. The server acknowledges it when it is on its own disk, or also on standbys, or, with some settings,
before it is anywhere (PostgreSQL's documentation, "Reliability" and `synchronous_commit`).
"""

from dataclasses import dataclass

from sqlalchemy import text

from .database import Database

_FACTS = text(
    """SELECT current_setting('fsync') = 'on' AS fsync, current_setting('full_page_writes') = 'on' AS full_page_writes,
      current_setting('synchronous_commit') AS synchronous_commit,
      current_setting('synchronous_standby_names') AS standby_names,
      (SELECT count(*) FROM pg_stat_replication) AS standbys,
      (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')) AS synchronous"""
)


@dataclass(frozen=True)
class Durability:
    """The server's settings for acknowledging a commit of this role.

    `standbys` replicate now, `synchronous` of them as the server waits for; a role that may not see their states counts
    none as synchronous.
    """

    fsync: bool
    full_page_writes: bool
    synchronous_commit: str
    standby_names: str
    standbys: int
    synchronous: int

    @property
    def problem(self) -> str:
        """The failure that an acknowledged commit does not survive although the hardware is sound; "" if there is none."""
        if not self.fsync:
            return "fsync is off: a crash of the machine loses acknowledged revocations and may ruin the database"
        if not self.full_page_writes:
            return "full_page_writes is off: a crash of the machine may ruin the database"
        if self.synchronous_commit == "off":
            return "synchronous_commit is off: a crash loses the revocations of the last moment, though they were acknowledged"
        return ""

    @property
    def fix(self) -> str:
        """The remedy for the problem."""
        name = "fsync" if not self.fsync else "full_page_writes" if not self.full_page_writes else ""
        if name:
            return f"set {name} = on in postgresql.conf and reload the server"
        return "set synchronous_commit = on for the role, the database and the server"

    @property
    def text(self) -> str:
        """The places that hold an acknowledged commit, as a sentence that continues "An acknowledged revocation"."""
        if self.problem:
            return f"may be lost: {self.problem}"
        if self.standby_names and self.synchronous_commit != "local":
            flushed = "has reached" if self.synchronous_commit == "remote_write" else "is on the disk of"
            where = (
                f"is on the disk of the server and {flushed} the synchronous standbys ({self.standby_names})"
            )
            return f"{where}: it survives the loss of one of them"
        if self.standbys:
            return (
                "is on the disk of the server alone when it is acknowledged: a failover to one of its "
                f"{self.standbys} asynchronous standbys may lose the last ones"
            )
        return "is on the disk of the server: it survives a crash, and not the loss of that disk"


def read(db: Database) -> Durability:
    """Return how durable this role's commits are. Raises sqlalchemy.exc.DBAPIError."""
    return Durability(**db.only(_FACTS))
