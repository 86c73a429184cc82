"""The MetaData of the sites' tables, the naming of constraints and indexes, and the table of the processes.

The session core has its own MetaData.
"""

from sqlalchemy import Column, DateTime, Index, Integer, MetaData, Table, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, UUID

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING_CONVENTION)

Instant = DateTime(timezone=True)

# The web servers and workers, each from its first sign of life to a day after its last (`core/processes.py`).
processes = Table(
    "processes",
    metadata,
    Column("id", UUID, primary_key=True),
    # web or worker.
    Column("kind", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    # The ids of the keys that it knows, the newest first; NULL for a process from before keys had ids.
    Column("keys", ARRAY(Text)),
    Column("started_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("seen_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    # When it said that it ends; NULL for a process that runs, or that was killed.
    Column("ended_at", Instant),
    Index("ix_processes_seen_at", "seen_at"),
)
