"""The audit log as a chain of seals that nobody may change."""

import sqlalchemy as sa
from alembic import op

revision = "0005_audit_chain"
down_revision = "0004_forums"
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


def upgrade() -> None:
    op.add_column("audit_log", sa.Column("seq", sa.BigInteger()))
    op.add_column("audit_log", sa.Column("mac", sa.LargeBinary()))
    op.create_index(
        "uq_audit_log_seq", "audit_log", ["seq"], unique=True, postgresql_where=sa.text("seq IS NOT NULL")
    )
    op.create_index("ix_audit_log_unsealed", "audit_log", ["id"], postgresql_where=sa.text("seq IS NULL"))
    op.create_table(
        "audit_head",
        sa.Column("one", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("one", name=op.f("ck_audit_head_one_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_audit_head")),
    )
    op.execute("INSERT INTO audit_head (seq, mac) VALUES (0, decode(repeat('00', 32), 'hex'))")
    op.execute(_GUARD)
    op.execute(
        "CREATE TRIGGER audit_log_rows BEFORE UPDATE OR DELETE ON audit_log "
        "FOR EACH ROW EXECUTE FUNCTION audit_log_guard()"
    )
    op.execute(
        "CREATE TRIGGER audit_log_table BEFORE TRUNCATE ON audit_log "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_log_guard()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER audit_log_table ON audit_log")
    op.execute("DROP TRIGGER audit_log_rows ON audit_log")
    op.execute("DROP FUNCTION audit_log_guard()")
    op.drop_table("audit_head")
    op.drop_index("ix_audit_log_unsealed", table_name="audit_log")
    op.drop_index("uq_audit_log_seq", table_name="audit_log")
    op.drop_column("audit_log", "mac")
    op.drop_column("audit_log", "seq")
