"""The account's tables: sign-ins that their owner has not answered for, and mail that waits to be sent."""

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, Table, Text, func
from sqlalchemy.dialects.postgresql import UUID

from ..core.tables import metadata
from ..sessions.tables import Instant

# A sign-in with a new device, until somebody who was signed in before says whether it was theirs.
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

# Gone when it is sent: what people are written to is kept no longer than it must.
mail = Table(
    "outgoing_mail",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("created_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("recipient", Text, nullable=False),
    # Whom it warns, and of which site: for the audit log, where it cannot be sent.
    Column("user_id", UUID),
    Column("site", Text, nullable=False, server_default=""),
    Column("subject", Text, nullable=False),
    Column("plain", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_try_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("last_error", Text),
    Index("ix_outgoing_mail_next_try_at", "next_try_at"),
    Index("ix_outgoing_mail_created_at", "created_at"),
)
