"""The tables of incidents and of the console's authenticators. Acts and notes of an incident stand in the audit log: its `detail` names the incident, written in the
transaction of each act.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, UUID

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
    # The text for the users, on the login page and in the list of people to notify.
    Column("user_text", Text, nullable=False, server_default=""),
    Column("closed_at", Instant),
    Column("closed_by", Text),
    Index("ix_incidents_created_at_id", "created_at", "id"),
)

# The authenticators of the console's admins, one each (break_glass.py). The secret is encrypted under a key of
# `shopforum.secret`.
authenticators = Table(
    "console_authenticators",
    metadata,
    Column("user_id", UUID, primary_key=True),
    # Name, address and roles as of the admin's last login at the console.
    Column("user_name", Text, nullable=False),
    Column("user_email", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    # NULL until a first code has shown that the app has the secret.
    Column("confirmed_at", Instant),
    # The time step of the last accepted code (RFC 6238, 5.2): no code of it or before it is accepted again.
    Column("last_step", BigInteger, nullable=False, server_default="0"),
    # Codes that were tried since the last accepted one, and until when no other may be.
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("blocked_until", Instant, nullable=False, server_default=func.clock_timestamp()),
)
