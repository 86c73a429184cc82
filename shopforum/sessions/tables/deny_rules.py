"""The table of deny rules."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, func, text
from sqlalchemy.dialects.postgresql import CIDR, UUID

from ...core.tables import Instant
from .columns import created_at, metadata

# Deny rules: no login, no refresh and no page for a client that matches all that a row names.
standing_rules = Table(
    "standing_rules",
    metadata,
    Column("id", UUID, primary_key=True, server_default=func.gen_random_uuid()),
    created_at(),
    Column("until", Instant, nullable=False),
    Column("user_id", UUID),
    Column("site", Text),
    Column("network", CIDR),
    # Words that name a browser, as `user_agents.words` returns them, separated by one space.
    Column("device", Text, nullable=False, server_default=""),
    Column("actor", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason_admin", Text, nullable=False, server_default=""),
    Column("reason_user", Text, nullable=False, server_default=""),
    # The revocation that the rule was made with, if any.
    Column("revocation_id", UUID),
    Column("hits", Integer, nullable=False, server_default="0"),
    Column("last_hit_at", Instant),
    Column("lifted_at", Instant),
    Column("lifted_by", Text),
    CheckConstraint("user_id IS NOT NULL OR network IS NOT NULL OR device <> ''", name="names_something"),
    Index("ix_standing_rules_unlifted", "until", postgresql_where=text("lifted_at IS NULL")),
    Index("ix_standing_rules_created_at_id", "created_at", "id"),
)
