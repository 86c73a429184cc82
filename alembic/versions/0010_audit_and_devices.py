"""Audit log: the database gives a row its time and its place. Known devices: the session that each began last.

The head of the audit log moves only to a seal that is there. Safe beside running processes: they write no instant, no id
and no seal of their own, and leave the new column empty.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010_audit_and_devices"
down_revision = "0009_revocation_counter"
branch_labels = None
depends_on = None

# The search path is fixed, and tables are named with their schema: a role could otherwise put a table or a function of its
# own before ours. SECURITY DEFINER, because an INSERT alone needs no privilege on the sequence.
_WRITTEN = """
CREATE FUNCTION audit_log_written() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.seq IS NOT NULL OR NEW.mac IS NOT NULL THEN
    RAISE EXCEPTION 'the audit log is append-only: a row is sealed after it was written'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  NEW.at := clock_timestamp();
  NEW.id := nextval(pg_get_serial_sequence(format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME), 'id'));
  RETURN NEW;
END $$"""
_HEAD = """
CREATE FUNCTION audit_head_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  sealed boolean;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.audit_log WHERE seq = $1 AND mac = $2)', TG_TABLE_SCHEMA)
      INTO sealed USING NEW.seq, NEW.mac;
    IF sealed AND NEW.seq >= OLD.seq THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'the head of the audit log moves forward, to a seal that is there' USING ERRCODE = 'insufficient_privilege';
END $$"""
_TRIGGERS = (
    """CREATE TRIGGER audit_log_written BEFORE INSERT ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_written()""",
    """CREATE TRIGGER audit_head_row BEFORE INSERT OR UPDATE OR DELETE ON audit_head
    FOR EACH ROW EXECUTE FUNCTION audit_head_guard()""",
    """CREATE TRIGGER audit_head_table BEFORE TRUNCATE ON audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION audit_head_guard()""",
)


def upgrade() -> None:
    op.execute("ALTER FUNCTION audit_log_guard() SET search_path = pg_catalog, pg_temp")
    op.execute(_WRITTEN)
    op.execute(_HEAD)
    for trigger in _TRIGGERS:
        op.execute(trigger)
    op.add_column("login_devices", sa.Column("session_id", sa.UUID()))


def downgrade() -> None:
    op.drop_column("login_devices", "session_id")
    op.execute("DROP TRIGGER audit_head_table ON audit_head")
    op.execute("DROP TRIGGER audit_head_row ON audit_head")
    op.execute("DROP TRIGGER audit_log_written ON audit_log")
    op.execute("DROP FUNCTION audit_head_guard()")
    op.execute("DROP FUNCTION audit_log_written()")
    op.execute("ALTER FUNCTION audit_log_guard() RESET search_path")
