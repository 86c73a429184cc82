"""The tables of what a session leaves behind: its places, flags, refused requests, and acts."""

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, Integer, Table, Text, func, text
from sqlalchemy.dialects.postgresql import INET, JSONB, UUID

from ...core.tables import Instant
from .columns import metadata

# The places from which a session was used, one row each: a second holder of copied cookies shows beside the first.
places = Table(
    "session_places",
    metadata,
    Column("session_id", UUID, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("address", INET, primary_key=True),
    Column("agent", Text, primary_key=True),
    Column("first_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("last_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Index("ix_session_places_address_session_id", "address", "session_id"),
    Index("ix_session_places_agent", "agent"),
)

# Flags: suspicious uses of a session, counted. One row for each session and kind, so that a flood stays one row.
flags = Table(
    "session_flags",
    metadata,
    Column("session_id", UUID, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("count", Integer, nullable=False, server_default="1"),
    Column("first_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("last_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("last_address", INET),
    Column("last_agent", Text, nullable=False, server_default=""),
    # Dismissed by an admin as harmless. The next use of the kind opens the flag again.
    Column("dismissed_at", Instant),
    Column("dismissed_by", Text),
    Column("dismissed_reason", Text),
)

# Requests that were refused although their cookies belong to a session: why, and by which facts (refusals.py). Only holders of a
# part of its cookies leave rows here, a session keeps the newest hundred, and the worker deletes them after a month.
refused_requests = Table(
    "refused_requests",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("session_id", UUID, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False, server_default=func.clock_timestamp()),
    # The site that was asked, which is another one than the session's where its cookie was sent elsewhere.
    Column("site", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("request_id", Text, nullable=False, server_default=""),
    Column("address", INET),
    Column("agent", Text, nullable=False, server_default=""),
    # Further requests of the same kind within the same second.
    Column("more", Integer, nullable=False, server_default="0"),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Index("ix_refused_requests_session_id_id", "session_id", "id"),
    Index("ix_refused_requests_at", "at"),
    Index("ix_refused_requests_request_id", "request_id", postgresql_where=text("request_id <> ''")),
)

# The acts of a session (acts.py), without their content. A row outlives the session's row, and is deleted after `expires_at`.
acts = Table(
    "session_acts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("session_id", UUID, nullable=False),
    Column("user_id", UUID, nullable=False),
    Column("site", Text, nullable=False),
    Column("at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("kind", Text, nullable=False),
    # The object of the act: the number of an order, the id of a post or a topic.
    Column("reference", Text, nullable=False, server_default=""),
    Column("address", INET),
    Column("agent", Text, nullable=False, server_default=""),
    Column("expires_at", Instant, nullable=False),
    Index("ix_session_acts_session_id_id", "session_id", "id"),
    Index("ix_session_acts_user_id_id", "user_id", "id"),
    Index("ix_session_acts_expires_at", "expires_at"),
)
