"""The tables of incidents, of saved views, of comparisons with FusionAuth, of the console's authenticators, and of acts that wait for a second owner. Acts and notes of an incident stand in the audit log: its `detail` names the incident, written in the
transaction of each act.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, INET, JSONB, UUID

from ..core.tables import Instant, metadata

incidents = Table(
    "incidents",
    metadata,
    Column("id", UUID, primary_key=True, server_default=func.gen_random_uuid()),
    Column("created_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("name", Text, nullable=False),
    Column("ticket", Text, nullable=False, server_default=""),
    Column("actor", Text, nullable=False),
    # The query string of the list of sessions, without a state: which sessions it is about. Further ones are added as more becomes
    # known, and none is taken back: it is about the sessions that match any.
    Column("filter", Text, nullable=False),
    Column("more_filters", ARRAY(Text), nullable=False, server_default="{}"),
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

# Acts that reach far and wait for the approval of a second owner (approvals.py), and those that were decided lately.
approvals = Table(
    "approvals",
    metadata,
    Column("id", UUID, primary_key=True, server_default=func.gen_random_uuid()),
    Column("created_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("expires_at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    # The target of the act, as `approvals.Act` writes it; the sessions that it names by id have a column of their own.
    Column("target", JSONB, nullable=False),
    Column("sessions", ARRAY(UUID), nullable=False),
    # How many sessions and people the act would have reached when it was asked for; at least so many where not exact.
    Column("matched", Integer, nullable=False),
    Column("people", Integer, nullable=False),
    Column("exact", Boolean, nullable=False),
    # SHA-256, in hex, of the act and its actor: the same request is stored once while it waits.
    Column("digest", Text, nullable=False),
    Column("actor", Text, nullable=False),
    # The person who may not approve: the one who asks, or the maker of the token that does.
    Column("user_id", UUID),
    # The console session or the API token that asked. It must still be valid when somebody approves.
    Column("session_id", UUID),
    Column("token_id", UUID),
    Column("address", INET),
    Column("agent", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason_admin", Text, nullable=False),
    Column("reason_user", Text, nullable=False),
    Column("decided_at", Instant),
    Column("decided_by", Text),
    # approved, refused, withdrawn or expired; NULL while it waits.
    Column("outcome", Text),
    # The revocation or the rule that was approved.
    Column("made_id", UUID),
    Index("ix_approvals_created_at_id", "created_at", "id"),
    Index("uq_approvals_digest_waiting", "digest", unique=True, postgresql_where=text("decided_at IS NULL")),
)

# Views of the list of sessions that admins have saved, each for one admin (saved_views.py).
saved_views = Table(
    "saved_views",
    metadata,
    Column("id", UUID, primary_key=True, server_default=func.gen_random_uuid()),
    Column("user_id", UUID, nullable=False),
    Column("name", Text, nullable=False),
    # The query string of the list: filter, order and hidden columns.
    Column("query", Text, nullable=False),
    Index("uq_saved_views_user_id_name", "user_id", "name", unique=True),
)

# Comparisons of the sessions with FusionAuth (drift_checks.py), a queue.
drift_checks = Table(
    "drift_checks",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("created_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    # The admin who has asked for it; empty for the nightly one.
    Column("actor", Text, nullable=False),
    # How far it has come: the last user, how many, and what was found.
    Column("after_user", UUID, nullable=False, server_default=text("'00000000-0000-0000-0000-000000000000'")),
    Column("users", Integer, nullable=False, server_default="0"),
    Column("found", Integer, nullable=False, server_default="0"),
    Column("rows", JSONB, nullable=False, server_default="[]"),
    # Users about whom FusionAuth gave no proper answer: how many, and the first of them.
    Column("left_out", Integer, nullable=False, server_default="0"),
    Column("left_out_users", ARRAY(UUID), nullable=False, server_default="{}"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_try_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("last_error", Text, nullable=False, server_default=""),
    Column("ended_at", Instant),
    Index("ix_drift_checks_created_at", "created_at"),
    # One at a time.
    Index(
        "uq_drift_checks_under_way",
        text("(ended_at IS NULL)"),
        unique=True,
        postgresql_where=text("ended_at IS NULL"),
    ),
)
