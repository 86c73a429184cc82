"""The webhooks' tables: applied events, refused deliveries, and the position of each endpoint in the audit log."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, func
from sqlalchemy.dialects.postgresql import UUID

from ..core.tables import Instant, metadata

# FusionAuth's events that were applied, to recognise a duplicate: a signature does not expire by itself.
applied = Table(
    "webhook_events",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("type", Text, nullable=False),
    Column("taken_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Index("ix_webhook_events_taken_at", "taken_at"),
)

# Counted by reason, so that a flood of forgeries leaves only a few rows in the audit log.
refusals = Table(
    "webhook_refusals",
    metadata,
    Column("why", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
)

# The position of an endpoint in the sealed audit log (`seq`), and the row after which it began (`since`). The lease belongs
# to the worker that is serving the endpoint.
endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("lease", UUID),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_try_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("told_at", Instant),
    Column("last_error", Text),
    Column("since", BigInteger, nullable=False),
)
