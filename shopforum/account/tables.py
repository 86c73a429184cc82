"""The account's table: logins with a new device that the owner has not confirmed."""

from sqlalchemy import Column, Index, Table, Text, func
from sqlalchemy.dialects.postgresql import UUID

from ..core.tables import metadata
from ..sessions.tables import Instant

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
