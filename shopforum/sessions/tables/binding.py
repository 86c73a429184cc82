"""The tables of bound sessions: keys of devices, challenges to sign, and bound cookies."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, func
from sqlalchemy.dialects.postgresql import UUID

from ...core.tables import Instant
from .columns import metadata

# The key of a bound session: one row for each, from the first accepted proof on. The private half never leaves the device.
keys = Table(
    "session_keys",
    metadata,
    Column("session_id", UUID, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    # ES256 or RS256, and the key as DER (SubjectPublicKeyInfo).
    Column("algorithm", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("last_proof_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("proofs", Integer, nullable=False, server_default="1"),
    # Why the browser could not renew its bound cookie when it last said so (`SkipReason`), and when.
    Column("skipped_reason", Text),
    Column("skipped_at", Instant),
)

# The challenges that a browser may sign, as keyed hashes: each is good once, for one purpose and one session.
challenges = Table(
    "session_challenges",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("session_id", UUID, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    # `registration`, `renewal` (given with a bound cookie) or `asked` (without one, and signed like a renewal).
    Column("purpose", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_session_challenges_session_id_expires_at", "session_id", "expires_at"),
    Index("ix_session_challenges_expires_at", "expires_at"),
)

# The bound cookies of bound sessions, as keyed hashes. A renewal revokes no earlier one, so several may be alive.
bound_cookies = Table(
    "session_bound_cookies",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("session_id", UUID, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_session_bound_cookies_session_id", "session_id"),
    Index("ix_session_bound_cookies_expires_at", "expires_at"),
)
