"""The table of honey tokens."""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text, func
from sqlalchemy.dialects.postgresql import INET, UUID

from ...core.tables import Instant
from .columns import created_at, metadata

# Secrets that belong to nobody, planted where a thief would look (honey.py).
honey_tokens = Table(
    "honey_tokens",
    metadata,
    Column("id", UUID, primary_key=True, server_default=func.gen_random_uuid()),
    created_at(),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("key_id", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("hits", Integer, nullable=False, server_default="0"),
    Column("first_hit_at", Instant),
    Column("last_hit_at", Instant),
    Column("last_address", INET),
    Column("last_agent", Text, nullable=False, server_default=""),
    Column("retired_at", Instant),
    Column("retired_by", Text),
    Index("ix_honey_tokens_created_at_id", "created_at", "id"),
)
