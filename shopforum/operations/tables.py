"""The table of incidents. Acts and notes of an incident stand in the audit log: its `detail` names the incident, written in the
transaction of each act.
"""

from sqlalchemy import Column, Index, Table, Text, func
from sqlalchemy.dialects.postgresql import UUID

from ..core.tables import metadata
from ..sessions.tables import Instant

incidents = Table(
    "incidents",
    metadata,
    Column("id", UUID, primary_key=True, server_default=func.gen_random_uuid()),
    Column("created_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("name", Text, nullable=False),
    Column("ticket", Text, nullable=False, server_default=""),
    Column("actor", Text, nullable=False),
    # The query string of the list of sessions, without a state: which sessions it is about.
    Column("filter", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    # What the users are told on the login page and in the list of people to notify.
    Column("user_text", Text, nullable=False, server_default=""),
    Column("closed_at", Instant),
    Column("closed_by", Text),
    Index("ix_incidents_created_at_id", "created_at", "id"),
)
