"""The identity provider's own SQLite file: schema, connections and transactions.

It is apart from the sites' PostgreSQL so that the provider keeps answering while PostgreSQL is restarted.
Instants are integer milliseconds since the epoch, UTC. Neither passwords, client secrets nor refresh tokens
are kept in a form that could be used.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue

_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS signing_keys (kid TEXT PRIMARY KEY, private_pem TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tenants (id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS webhooks (id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS applications (id TEXT PRIMARY KEY, secret_hash TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS users (
    id TEXT PRIMARY KEY,
    email TEXT UNIQUE,
    username TEXT UNIQUE COLLATE NOCASE,
    password_hash TEXT NOT NULL,
    body TEXT NOT NULL,
    CHECK (email IS NOT NULL OR username IS NOT NULL)
);
CREATE TABLE IF NOT EXISTS registrations (
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    application_id TEXT NOT NULL REFERENCES applications ON DELETE CASCADE,
    body TEXT NOT NULL,
    PRIMARY KEY (user_id, application_id)
);
CREATE TABLE IF NOT EXISTS groups (id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS group_members (
    id TEXT PRIMARY KEY,
    group_id TEXT NOT NULL REFERENCES groups ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    insert_instant INTEGER NOT NULL,
    UNIQUE (user_id, group_id)
);
CREATE INDEX IF NOT EXISTS group_members_group ON group_members (group_id);
CREATE TABLE IF NOT EXISTS refresh_tokens (
    id TEXT PRIMARY KEY,
    token_hash BLOB NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    application_id TEXT NOT NULL REFERENCES applications ON DELETE CASCADE,
    auth_instant INTEGER NOT NULL,
    insert_instant INTEGER NOT NULL,
    start_instant INTEGER NOT NULL,
    revoked_instant INTEGER,
    meta_data TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS refresh_tokens_user ON refresh_tokens (user_id, insert_instant);
CREATE INDEX IF NOT EXISTS refresh_tokens_application ON refresh_tokens (application_id);
CREATE TABLE IF NOT EXISTS passkeys (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    credential BLOB NOT NULL UNIQUE,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS passkeys_user ON passkeys (user_id);
CREATE TABLE IF NOT EXISTS spent_tokens (
    token_hash BLOB PRIMARY KEY,
    refresh_token_id TEXT NOT NULL REFERENCES refresh_tokens ON DELETE CASCADE,
    grace_until INTEGER NOT NULL,
    successor BLOB
);
CREATE INDEX IF NOT EXISTS spent_tokens_refresh_token ON spent_tokens (refresh_token_id);
COMMIT;
"""


class Database:
    """A pool of connections to one SQLite file in WAL mode; safe to share between threads."""

    def __init__(self, path: str | Path) -> None:
        """Open the file, creating it and its directory when they are missing."""
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # The file holds the signing key; on a shared machine nobody else may read it.
        self.path.touch(mode=0o600)
        self._idle: LifoQueue[sqlite3.Connection] = LifoQueue()
        connection = self._connect()
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_SCHEMA)
        self._idle.put(connection)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    @contextmanager
    def _borrowed(self, begin: str) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.get_nowait()
        except Empty:
            connection = self._connect()
        try:
            connection.execute(begin)
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        finally:
            self._idle.put(connection)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that takes the write lock at once: what it reads cannot change before it writes."""
        with self._borrowed("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A transaction for reading: one snapshot."""
        with self._borrowed("BEGIN DEFERRED") as connection:
            yield connection

    def close(self) -> None:
        """Close the idle connections."""
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return
