"""The tables of the audit log: its rows, its newest seal, and the keys that have sealed it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import INET, JSONB, UUID

from ...core.tables import Instant
from .columns import metadata

# Acts, attempts and refusals. Rows are never changed. `detail` holds names and counts, no secret.
audit_log = Table(
    "audit_log",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("event", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("initiating_entity", Text, nullable=False),
    Column("actor", Text, nullable=False, server_default=""),
    Column("user_id", UUID),
    Column("session_id", UUID),
    Column("revocation_id", UUID),
    Column("address", INET),
    Column("agent", Text, nullable=False, server_default=""),
    Column("request_id", Text, nullable=False, server_default=""),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    # Given by the sealer (audit_chain.py): numbers without gaps, and the seal over the row and all before it.
    Column("seq", BigInteger),
    Column("mac", LargeBinary),
    Index("uq_audit_log_seq", "seq", unique=True, postgresql_where=text("seq IS NOT NULL")),
    Index("ix_audit_log_unsealed", "id", postgresql_where=text("seq IS NULL")),
    Index("ix_audit_log_session_id_id", "session_id", "id", postgresql_where=text("session_id IS NOT NULL")),
    Index("ix_audit_log_user_id_id", "user_id", "id", postgresql_where=text("user_id IS NOT NULL")),
    Index("ix_audit_log_event_id", "event", "id"),
    Index("ix_audit_log_site_id", "site", "id"),
    Index("ix_audit_log_at", "at"),
    # Searches of the console: where a request came from, which request it was, and words of an act's reason.
    Index("ix_audit_log_address_id", "address", "id", postgresql_where=text("address IS NOT NULL")),
    Index("ix_audit_log_request_id_id", "request_id", "id", postgresql_where=text("request_id <> ''")),
    Index(
        "ix_audit_log_reasoned", "id", postgresql_where=text("(detail ->> 'reason_admin'::text) <> ''::text")
    ),
    Index("ix_audit_log_actor_id", "actor", "id", postgresql_where=text("actor <> ''")),
    # The acts of an incident.
    Index(
        "ix_audit_log_incident",
        text("(detail ->> 'incident')"),
        "id",
        postgresql_where=text("detail ? 'incident'"),
    ),
    Index("ix_audit_log_request_id", "request_id", postgresql_where=text("request_id <> ''")),
    Index(
        "ix_audit_log_revocation_id_id",
        "revocation_id",
        "id",
        postgresql_where=text("revocation_id IS NOT NULL"),
    ),
    # The sites append; the worker alone may need more (docs/operations.md), here and in the next two tables.
    info={"sites_need": ("SELECT", "INSERT")},
)

# The newest seal of the audit log; one row.
audit_head = Table(
    "audit_head",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("seq", BigInteger, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    CheckConstraint("one", name="one_row"),
    info={"sites_need": ("SELECT",)},
)

# The keys that have sealed the audit log, and the first and the last row that each has sealed. While a key is replaced, two
# may take turns. Rows from before the table are in no range.
audit_keys = Table(
    "audit_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    CheckConstraint("first_seq <= last_seq", name="range_in_order"),
    info={"sites_need": ("SELECT",)},
)
