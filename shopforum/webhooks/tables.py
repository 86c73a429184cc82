"""The webhooks' tables: which events were taken, which were refused, and how far each endpoint has been told."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, func
from sqlalchemy.dialects.postgresql import UUID

from ..core.tables import metadata
from ..sessions.tables import Instant

# Events of FusionAuth's that were taken, each once: a signature has no end of its own.
taken = Table(
    "webhook_events",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("type", Text, nullable=False),
    Column("taken_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Index("ix_webhook_events_taken_at", "taken_at"),
)

# Counted by why, so that a flood of forgeries leaves a few rows in the audit log.
refusals = Table(
    "webhook_refusals",
    metadata,
    Column("why", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
)

# How far an endpoint has been told of the sealed audit log, and after which row it began; the lease is of the worker
# that is telling it.
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
