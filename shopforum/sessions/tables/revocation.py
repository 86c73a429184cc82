"""The tables of revocations: their order, the gates that they close, and the messages to the provider."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from ...core.tables import Instant
from .columns import created_at, metadata

# The counter of revocations that close a gate; one row. Its lock orders them, and the number becomes visible with the gate.
# A sequence would not do: its number is out before the commit.
counter = Table(
    "revocation_counter",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("n", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("one", name="one_row"),
)

# One row revokes a user, a site or everyone at once, logins in flight included: it ends every session in its reach whose
# `epoch` is smaller. A *dated* gate is for an event in the past that a webhook has announced late: it leaves sessions
# alone that were authenticated after the event.
gates = Table(
    "revocation_gates",
    metadata,
    Column("key", Text, primary_key=True),
    Column("dated", Boolean, primary_key=True, server_default=text("false")),
    Column("epoch", BigInteger, nullable=False),
    Column("authenticated_until", Instant, nullable=False, server_default=text("'infinity'")),
    Column("revocation_id", UUID, nullable=False),
    CheckConstraint("dated = (authenticated_until < 'infinity')", name="dated_until"),
    Index("ix_revocation_gates_epoch", "epoch"),
)

# Revocations with their reasons: one row for each act, whatever its reach.
revocations = Table(
    "revocations",
    metadata,
    Column("id", UUID, primary_key=True, server_default=func.gen_random_uuid()),
    created_at(),
    Column("scope", Text, nullable=False),
    Column("site", Text),
    Column("user_id", UUID),
    Column("initiating_entity", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason_admin", Text, nullable=False, server_default=""),
    Column("reason_user", Text, nullable=False, server_default=""),
    # The filter's text (`Scope.filter_text`), where the scope was a filter.
    Column("typed", Text, nullable=False, server_default=""),
    Column("matched", Integer, nullable=False),
    # Where it closed a gate: its number, and the latest authentication of the sessions that it ends.
    Column("epoch", BigInteger),
    Column("authenticated_until", Instant),
    # Sessions that a gate has ended are marked later, in small steps (gate_sweep.py). `swept_at`: when all of them were
    # marked. `marked_at`: when no login can be in flight any more that has not seen the gate.
    Column("swept_at", Instant),
    Column("marked_at", Instant),
    Index("ix_revocations_created_at_id", "created_at", "id"),
    Index("ix_revocations_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
    Index(
        "ix_revocations_not_by_user", "created_at", "id", postgresql_where=text("initiating_entity <> 'user'")
    ),
    Index("ix_revocations_gates", "created_at", "epoch", postgresql_where=text("epoch IS NOT NULL")),
    Index("ix_revocations_unmarked", "created_at", postgresql_where=text("marked_at IS NULL")),
)

# Messages that the identity provider must still get. They are written in the transaction of the revocation, so that
# neither exists without the other, and are done when the provider has agreed.
outbox = Table(
    "revocation_outbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("revocation_id", UUID, ForeignKey("revocations.id", ondelete="CASCADE"), nullable=False),
    Column("site", Text, nullable=False),
    Column("user_id", UUID),
    Column("refresh_token_id", UUID),
    created_at(),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_try_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("done_at", Instant),
    Column("last_error", Text),
    # When the provider was last told and may have acted on it; whether its own webhook about it has come since.
    Column("sent_at", Instant),
    Column("echoed", Boolean, nullable=False, server_default=text("false")),
    Index("ix_revocation_outbox_revocation_id", "revocation_id"),
    Index(
        "ix_revocation_outbox_sent_at",
        "sent_at",
        postgresql_where=text("refresh_token_id IS NULL AND NOT echoed"),
    ),
    Index("ix_revocation_outbox_done_at", "done_at", postgresql_where=text("done_at IS NOT NULL")),
    Index("ix_revocation_outbox_open", "next_try_at", postgresql_where=text("done_at IS NULL")),
)
