"""The account's tables: logins with a new device that the owner has not confirmed, and deletions of accounts."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Integer, Table, Text, func, text
from sqlalchemy.dialects.postgresql import UUID

from ..core.tables import Instant, metadata

# A login with a new device, until its owner confirms it on a device that was signed in before.
new_sign_ins = Table(
    "new_sign_ins",
    metadata,
    Column("session_id", UUID, primary_key=True),
    Column("user_id", UUID, nullable=False),
    Column("site", Text, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Index("ix_new_sign_ins_user_id", "user_id"),
    Index("ix_new_sign_ins_created_at", "created_at"),
)

_UNDER_WAY = text("done_at IS NULL")

# Accounts whose owners have asked for the deletion, a queue (deletion.py). A row is deleted when the owner keeps the account.
deletions = Table(
    "account_deletions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("user_id", UUID, nullable=False),
    Column("site", Text, nullable=False),
    # Where the letters go; empty when all is done.
    Column("user_name", Text, nullable=False),
    Column("user_email", Text, nullable=False),
    Column("asked_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("due_at", Instant, nullable=False),
    # When the worker began: from then on the account cannot be kept.
    Column("begun_at", Instant),
    Column("done_at", Instant),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_try_at", Instant, nullable=False),
    Column("last_error", Text),
    CheckConstraint("done_at IS NULL OR user_email = ''", name="done_without_address"),
    # At most one deletion under way for each account, even after a double click.
    Index("uq_account_deletions_under_way", "user_id", unique=True, postgresql_where=_UNDER_WAY),
    Index("ix_account_deletions_user_id", "user_id"),
    Index("ix_account_deletions_next_try_at", "next_try_at", postgresql_where=_UNDER_WAY),
    Index("ix_account_deletions_done_at", "done_at", postgresql_where=text("done_at IS NOT NULL")),
)
