"""The API's own table: responses kept for retries with an Idempotency-Key."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB, UUID

from ..core.tables import Instant, metadata

# A call with an Idempotency-Key: claimed before it acts, with its response afterwards. `request_id` is in the audit row of
# the act, so that an act whose response was lost is found again.
replays = Table(
    "api_replays",
    metadata,
    Column("token_id", UUID, ForeignKey("api_tokens.id", ondelete="CASCADE"), primary_key=True),
    Column("key_hash", LargeBinary, primary_key=True),
    Column("body_hash", LargeBinary, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("claimed_until", Instant, nullable=False),
    Column("status", Integer),
    Column("answer", JSONB),
    CheckConstraint("(status IS NULL) = (answer IS NULL)", name="answered_with_status"),
    Index("ix_api_replays_created_at", "created_at"),
)
