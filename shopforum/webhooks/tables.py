"""The webhooks' tables: which events were taken, which were refused, and how far each endpoint has been told."""

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, Table, Text, func
from sqlalchemy.dialects.postgresql import UUID

from ..db import metadata

_Instant = DateTime(timezone=True)

# Events of FusionAuth's that were taken, each once: a signature has no end of its own.
taken = Table(
    "webhook_events",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("type", Text, nullable=False),
    Column("taken_at", _Instant, nullable=False, server_default=func.clock_timestamp()),
    Index("ix_webhook_events_taken_at", "taken_at"),
)

# Counted by why, so that a flood of forgeries leaves a few rows in the audit log.
refusals = Table(
    "webhook_refusals",
    metadata,
    Column("why", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last_at", _Instant, nullable=False),
)

# How far an endpoint has been told of the sealed audit log; the lease is of the worker that is telling it.
endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("lease", UUID),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_try_at", _Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("told_at", _Instant),
    Column("last_error", Text),
)
