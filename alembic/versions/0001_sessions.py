"""Sessions, their credentials, revocations, and the audit log with its guards."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001_sessions"
down_revision = None
branch_labels = None
depends_on = None

# The application's role may append rows and seal each once; it may not rewrite or remove any.
_GUARD = """
CREATE FUNCTION audit_log_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.seq IS NULL AND NEW.seq IS NOT NULL AND NEW.mac IS NOT NULL
    AND to_jsonb(NEW) - 'seq' - 'mac' = to_jsonb(OLD) - 'seq' - 'mac' THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$"""
_GUARDED = (
    """CREATE TRIGGER audit_log_rows BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_guard()""",
    """CREATE TRIGGER audit_log_table BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_guard()""",
)


def upgrade() -> None:
    op.create_table(
        "audit_head",
        sa.Column("one", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("one", name=op.f("ck_audit_head_one_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("initiating_entity", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=True),
        sa.Column("session_id", sa.UUID(), nullable=True),
        sa.Column("revocation_id", sa.UUID(), nullable=True),
        sa.Column("address", postgresql.INET(), nullable=True),
        sa.Column("agent", sa.Text(), server_default="", nullable=False),
        sa.Column("request_id", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "detail",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index(
        "ix_audit_log_actor_id",
        "audit_log",
        ["actor", "id"],
        unique=False,
        postgresql_where=sa.text("actor <> ''"),
    )
    op.create_index("ix_audit_log_at", "audit_log", ["at"], unique=False)
    op.create_index("ix_audit_log_event_id", "audit_log", ["event", "id"], unique=False)
    op.create_index(
        "ix_audit_log_revocation_id_id",
        "audit_log",
        ["revocation_id", "id"],
        unique=False,
        postgresql_where=sa.text("revocation_id IS NOT NULL"),
    )
    op.create_index(
        "ix_audit_log_session_id_id",
        "audit_log",
        ["session_id", "id"],
        unique=False,
        postgresql_where=sa.text("session_id IS NOT NULL"),
    )
    op.create_index("ix_audit_log_site_id", "audit_log", ["site", "id"], unique=False)
    op.create_index(
        "ix_audit_log_unsealed", "audit_log", ["id"], unique=False, postgresql_where=sa.text("seq IS NULL")
    )
    op.create_index(
        "ix_audit_log_user_id_id",
        "audit_log",
        ["user_id", "id"],
        unique=False,
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )
    op.create_index(
        "uq_audit_log_seq", "audit_log", ["seq"], unique=True, postgresql_where=sa.text("seq IS NOT NULL")
    )
    op.create_table(
        "revocation_gates",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revocation_id", sa.UUID(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_revocation_gates")),
    )
    op.create_table(
        "revocations",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("user_id", sa.UUID(), nullable=True),
        sa.Column("initiating_entity", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("reason_admin", sa.Text(), server_default="", nullable=False),
        sa.Column("reason_user", sa.Text(), server_default="", nullable=False),
        sa.Column("typed", sa.Text(), server_default="", nullable=False),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revocations")),
    )
    op.create_index("ix_revocations_created_at_id", "revocations", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_revocations_not_by_user",
        "revocations",
        ["created_at", "id"],
        unique=False,
        postgresql_where=sa.text("initiating_entity <> 'user'"),
    )
    op.create_index(
        "ix_revocations_unmarked",
        "revocations",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("marked_at IS NULL"),
    )
    op.create_index(
        "ix_revocations_user_id",
        "revocations",
        ["user_id"],
        unique=False,
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("user_email", sa.Text(), server_default="", nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("refresh_token_id", sa.UUID(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("absolute_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("idle_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", postgresql.INET(), nullable=True),
        sa.Column("agent", sa.Text(), server_default="", nullable=False),
        sa.Column("last_address", postgresql.INET(), nullable=True),
        sa.Column("last_agent", sa.Text(), server_default="", nullable=False),
        sa.Column("generation", sa.Integer(), server_default="1", nullable=False),
        sa.Column("issued", sa.Integer(), server_default="1", nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("previous", sa.Integer(), server_default="0", nullable=False),
        sa.Column("floor", sa.Integer(), server_default="-1", nullable=False),
        sa.Column("promoted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refresh_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease", sa.UUID(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "roles_read_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("login_form", sa.LargeBinary(), nullable=True),
        sa.Column("new_sign_in", sa.UUID(), nullable=True),
        sa.Column("quarantined_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quarantine_reason", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("revocation_id", sa.UUID(), nullable=True),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (end_reason IS NULL)", name=op.f("ck_sessions_ended_with_reason")
        ),
        sa.CheckConstraint(
            "(quarantined_at IS NULL) = (quarantine_reason IS NULL)",
            name=op.f("ck_sessions_quarantined_with_reason"),
        ),
        sa.CheckConstraint(
            "floor < previous AND previous < generation AND generation <= issued",
            name=op.f("ck_sessions_generations_in_order"),
        ),
        sa.CheckConstraint("idle_end <= absolute_end", name=op.f("ck_sessions_idle_within_absolute")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index("ix_sessions_absolute_end", "sessions", ["absolute_end"], unique=False)
    op.create_index("ix_sessions_agent", "sessions", ["agent"], unique=False)
    op.create_index("ix_sessions_created_at_id", "sessions", ["created_at", "id"], unique=False)
    op.create_index("ix_sessions_last_agent", "sessions", ["last_agent"], unique=False)
    op.create_index(
        "ix_sessions_live",
        "sessions",
        ["created_at", "id"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_sessions_quarantined",
        "sessions",
        ["created_at", "id"],
        unique=False,
        postgresql_where=sa.text("quarantined_at IS NOT NULL"),
    )
    op.create_index(
        "ix_sessions_revocation_id",
        "sessions",
        ["revocation_id"],
        unique=False,
        postgresql_where=sa.text("revocation_id IS NOT NULL"),
    )
    op.create_index("ix_sessions_site_created_at_id", "sessions", ["site", "created_at", "id"], unique=False)
    op.create_index(
        "ix_sessions_unended",
        "sessions",
        ["absolute_end"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_sessions_unended_of_site",
        "sessions",
        ["site", "absolute_end"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_sessions_user_email",
        "sessions",
        [sa.literal_column("lower(user_email)").label("lowered")],
        unique=False,
        postgresql_ops={"lowered": "text_pattern_ops"},
    )
    op.create_index(
        "ix_sessions_user_id_created_at_id", "sessions", ["user_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_sessions_user_name",
        "sessions",
        [sa.literal_column("lower(user_name)").label("lowered")],
        unique=False,
        postgresql_ops={"lowered": "text_pattern_ops"},
    )
    op.create_table(
        "standing_rules",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=True),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("network", postgresql.CIDR(), nullable=True),
        sa.Column("device", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("reason_admin", sa.Text(), server_default="", nullable=False),
        sa.Column("reason_user", sa.Text(), server_default="", nullable=False),
        sa.Column("revocation_id", sa.UUID(), nullable=True),
        sa.Column("hits", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_hit_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "user_id IS NOT NULL OR network IS NOT NULL OR device <> ''",
            name=op.f("ck_standing_rules_names_something"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing_rules")),
    )
    op.create_index("ix_standing_rules_created_at_id", "standing_rules", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_standing_rules_unlifted",
        "standing_rules",
        ["until"],
        unique=False,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "revocation_outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("revocation_id", sa.UUID(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=True),
        sa.Column("refresh_token_id", sa.UUID(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "next_try_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("echoed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["revocation_id"],
            ["revocations.id"],
            name=op.f("fk_revocation_outbox_revocation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revocation_outbox")),
    )
    op.create_index(
        "ix_revocation_outbox_open",
        "revocation_outbox",
        ["next_try_at"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_index(
        "ix_revocation_outbox_revocation_id", "revocation_outbox", ["revocation_id"], unique=False
    )
    op.create_index(
        "ix_revocation_outbox_sent_at",
        "revocation_outbox",
        ["sent_at"],
        unique=False,
        postgresql_where=sa.text("refresh_token_id IS NULL AND NOT echoed"),
    )
    op.create_table(
        "session_credentials",
        sa.Column("session_hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.UUID(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("refresh_hash", sa.LargeBinary(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_address", postgresql.INET(), nullable=True),
        sa.Column("seen_agent", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            name=op.f("fk_session_credentials_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session_hash", name=op.f("pk_session_credentials")),
        sa.UniqueConstraint(
            "session_id", "generation", name=op.f("uq_session_credentials_session_id_generation")
        ),
    )
    op.create_index(
        "ix_session_credentials_refresh_hash", "session_credentials", ["refresh_hash"], unique=False
    )
    op.create_table(
        "session_flags",
        sa.Column("session_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), server_default="1", nullable=False),
        sa.Column(
            "first_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "last_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("last_address", postgresql.INET(), nullable=True),
        sa.Column("last_agent", sa.Text(), server_default="", nullable=False),
        sa.Column("dismissed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dismissed_by", sa.Text(), nullable=True),
        sa.Column("dismissed_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_session_flags_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "kind", name=op.f("pk_session_flags")),
    )
    op.create_table(
        "session_places",
        sa.Column("session_id", sa.UUID(), nullable=False),
        sa.Column("address", postgresql.INET(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column(
            "first_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "last_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_session_places_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "address", "agent", name=op.f("pk_session_places")),
    )
    op.create_index(
        "ix_session_places_address_session_id", "session_places", ["address", "session_id"], unique=False
    )
    op.create_index("ix_session_places_agent", "session_places", ["agent"], unique=False)

    # The head of the chain, which every seal goes on from.
    op.execute("INSERT INTO audit_head (seq, mac) VALUES (0, decode(repeat('00', 32), 'hex'))")
    op.execute(_GUARD)
    for trigger in _GUARDED:
        op.execute(trigger)


def downgrade() -> None:
    op.drop_table("session_places")
    op.drop_table("session_flags")
    op.drop_table("session_credentials")
    op.drop_table("revocation_outbox")
    op.drop_table("standing_rules")
    op.drop_table("sessions")
    op.drop_table("revocations")
    op.drop_table("revocation_gates")
    op.drop_table("audit_log")
    op.drop_table("audit_head")

    op.execute("DROP FUNCTION audit_log_guard()")
