"""Revocation: a counter in place of clocks."""

from alembic import op

revision = "0009_revocation_counter"
down_revision = "0008_session_tree"
branch_labels = None
depends_on = None

# Gates are numbered in the order of their instants; a session gets the number of the last gate before it, so that the same
# gates end it as before.
_UPGRADE = (
    """CREATE TABLE revocation_counter (
      one boolean DEFAULT true NOT NULL CONSTRAINT pk_revocation_counter PRIMARY KEY
        CONSTRAINT ck_revocation_counter_one_row CHECK (one),
      n bigint DEFAULT 0 NOT NULL)""",
    """ALTER TABLE revocation_gates
      ADD COLUMN dated boolean DEFAULT false NOT NULL,
      ADD COLUMN epoch bigint,
      ADD COLUMN authenticated_until timestamptz DEFAULT 'infinity' NOT NULL""",
    """UPDATE revocation_gates g SET epoch = numbered.epoch
      FROM (SELECT key, dense_rank() OVER (ORDER BY not_before) AS epoch FROM revocation_gates) numbered
      WHERE numbered.key = g.key""",
    "INSERT INTO revocation_counter (n) SELECT coalesce(max(epoch), 0) FROM revocation_gates",
    "CREATE INDEX upgrade_gates ON revocation_gates (not_before)",
    "ALTER TABLE sessions ADD COLUMN epoch bigint DEFAULT 0 NOT NULL",
    """UPDATE sessions s SET epoch = found.epoch FROM (
        SELECT o.id, (SELECT g.epoch FROM revocation_gates g WHERE g.not_before < o.cleared_at
          ORDER BY g.not_before DESC LIMIT 1) AS epoch
        FROM sessions o WHERE o.ended_at IS NULL) found
      WHERE s.id = found.id AND found.epoch IS NOT NULL""",
    """ALTER TABLE revocations ADD COLUMN epoch bigint, ADD COLUMN authenticated_until timestamptz,
      ADD COLUMN swept_at timestamptz""",
    """UPDATE revocations r SET epoch = (SELECT g.epoch FROM revocation_gates g WHERE g.not_before <= r.created_at
        ORDER BY g.not_before DESC LIMIT 1)
      WHERE r.marked_at IS NULL""",
    """ALTER TABLE revocation_gates DROP CONSTRAINT pk_revocation_gates, DROP COLUMN not_before,
      ALTER COLUMN epoch SET NOT NULL,
      ADD CONSTRAINT pk_revocation_gates PRIMARY KEY (key, dated),
      ADD CONSTRAINT ck_revocation_gates_dated_until CHECK (dated = (authenticated_until < 'infinity'))""",
    "ALTER TABLE sessions DROP COLUMN cleared_at",
)

_DOWNGRADE = (
    "ALTER TABLE sessions ADD COLUMN cleared_at timestamptz",
    "ALTER TABLE revocation_gates ADD COLUMN not_before timestamptz",
    """UPDATE revocation_gates g SET not_before = least(g.authenticated_until, coalesce(
      (SELECT r.created_at FROM revocations r WHERE r.id = g.revocation_id), clock_timestamp()))""",
    """DELETE FROM revocation_gates g USING revocation_gates o
      WHERE o.key = g.key AND (o.not_before, o.dated) > (g.not_before, g.dated)""",
    "CREATE INDEX downgrade_gates ON revocation_gates (epoch)",
    """UPDATE sessions s SET cleared_at = greatest(s.authenticated_at, (SELECT g.not_before + interval '1 microsecond'
      FROM revocation_gates g WHERE g.epoch <= s.epoch ORDER BY g.epoch DESC LIMIT 1))""",
    "ALTER TABLE sessions ALTER COLUMN cleared_at SET NOT NULL, DROP COLUMN epoch",
    "ALTER TABLE revocations DROP COLUMN epoch, DROP COLUMN authenticated_until, DROP COLUMN swept_at",
    """ALTER TABLE revocation_gates DROP CONSTRAINT pk_revocation_gates,
      DROP CONSTRAINT ck_revocation_gates_dated_until, DROP COLUMN dated, DROP COLUMN epoch,
      DROP COLUMN authenticated_until, ALTER COLUMN not_before SET NOT NULL,
      ADD CONSTRAINT pk_revocation_gates PRIMARY KEY (key)""",
    "DROP TABLE revocation_counter",
)


def upgrade() -> None:
    for statement in _UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWNGRADE:
        op.execute(statement)
