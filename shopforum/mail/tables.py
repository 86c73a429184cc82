"""The table of mail to be sent."""

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, Table, Text, func
from sqlalchemy.dialects.postgresql import UUID

from ..core.tables import Instant, metadata

# A row is deleted when the letter is sent: personal mail is stored no longer than necessary.
mail = Table(
    "outgoing_mail",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("created_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("recipient", Text, nullable=False),
    # The person and the site that the letter is about, for the audit log if the letter cannot be sent.
    Column("user_id", UUID),
    Column("site", Text, nullable=False, server_default=""),
    Column("subject", Text, nullable=False),
    Column("plain", Text, nullable=False),
    Column("html", Text, nullable=False),
    # The address that stops letters of this kind, for the header; empty for a letter about an act or the account.
    Column("unsubscribe", Text, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_try_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("last_error", Text),
    Index("ix_outgoing_mail_next_try_at", "next_try_at"),
    Index("ix_outgoing_mail_created_at", "created_at"),
)
