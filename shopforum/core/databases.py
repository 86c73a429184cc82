"""The databases of a deployment: one, or the store and the forums with databases of their own beside that of the sessions.

Each database has all tables, by the same migrations, and uses those of its part. A site's act writes
its rows for others, such as a letter, into the site's own database, in its transaction, and the worker moves them on (`relay.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from .database import Database
from .sites import FORUMS, STORE

SESSIONS = "sessions"
# The parts that may have a database of their own, and the setting that names it.
PARTS = {SESSIONS: "sessions.database_url", STORE: "database.store_url", FORUMS: "database.forums_url"}


@dataclass(frozen=True)
class Databases:
    """The database of each part, by its name in PARTS. Parts with one address have one object."""

    by_part: Mapping[str, Database]

    @property
    def sessions(self) -> Database:
        """The database of the sessions, and of all that is neither the store's nor the forums'."""
        return self.by_part[SESSIONS]

    def of(self, site: str) -> Database:
        """Return the database with a site's own tables. The console's are those of the sessions."""
        return self.by_part.get(site, self.sessions)

    @cached_property
    def apart(self) -> Mapping[str, Database]:
        """The databases other than that of the sessions, each once, by the first part that it is for; often empty."""
        found: dict[int, tuple[str, Database]] = {}
        for part in PARTS:
            database = self.by_part[part]
            if database is not self.sessions:
                found.setdefault(id(database), (part, database))
        return dict(found.values())

    @property
    def all(self) -> Sequence[Database]:
        """All databases, each once, that of the sessions last."""
        return (*self.apart.values(), self.sessions)

    def is_apart(self, site: str) -> bool:
        """Return whether a site's own tables are in another database than the sessions."""
        return self.of(site) is not self.sessions
