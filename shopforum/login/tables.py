"""The login's tables: failed tries, known devices, and saved submissions.

E-mail addresses, device marks and keys are stored as keyed digests (`shopforum.sessions.keyring.Secrets.digest`).
"""

from sqlalchemy import Column, Double, Index, LargeBinary, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB, UUID

from ..core.tables import Instant, metadata

# One row for each account, address and known device with a recent failed login.
failures = Table(
    "login_failures",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    # The key that made the digest (`Keyring.ids`), here and below; NULL in rows from before keys had ids.
    Column("key_id", Text),
    # The number as of last_at. Failures are forgiven over time, so it is not a whole number.
    Column("failures", Double, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("blocked_until", Instant, nullable=False),
    Index("ix_login_failures_last_at", "last_at"),
)

# A device that has logged in to an account: failures of other devices do not make it wait.
devices = Table(
    "login_devices",
    metadata,
    Column("device", LargeBinary, primary_key=True),
    Column("account", LargeBinary, primary_key=True),
    Column("key_id", Text),
    # Empty in rows that are older than this column: these count for all sites.
    Column("site", Text, nullable=False, server_default=""),
    Column("first_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("last_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    # The session that the login at `last_at` has begun.
    Column("session_id", UUID),
    Index("ix_login_devices_account", "account"),
    Index("ix_login_devices_last_at", "last_at"),
)

# Saved submissions: forms that were sent when the session had ended, until their owners log in again (resubmit.py).
saved_submissions = Table(
    "kept_forms",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("key_id", Text),
    Column("site", Text, nullable=False),
    Column("user_id", UUID, nullable=False),
    Column("path", Text, nullable=False),
    # Pairs of name and value, in the form's order.
    Column("fields", JSONB, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Index("ix_kept_forms_user_id_created_at", "user_id", "created_at"),
    Index("ix_kept_forms_created_at", "created_at"),
)
