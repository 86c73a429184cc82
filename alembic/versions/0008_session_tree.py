"""Sessions: pairs of credentials form a tree."""

from alembic import op

revision = "0008_session_tree"
down_revision = "0007_api"
branch_labels = None
depends_on = None

# The line of generations becomes a tree: each pair that was shown is the child of the one before it, and pairs that were
# handed out since are children of the newest. Every session goes on as it is.
_UPGRADE = (
    """ALTER TABLE sessions
      ADD COLUMN head integer NOT NULL DEFAULT 1,
      ADD COLUMN head_parent integer NOT NULL DEFAULT 0,
      ADD COLUMN head_since timestamptz NOT NULL DEFAULT clock_timestamp(),
      ADD COLUMN unshown integer NOT NULL DEFAULT 0,
      ADD COLUMN due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      DROP CONSTRAINT ck_sessions_generations_in_order""",
    """UPDATE sessions SET head = generation, head_parent = greatest(previous, 0), head_since = promoted_at,
      unshown = least(issued - generation, 1), due_at = clock_timestamp()""",
    """ALTER TABLE sessions
      DROP COLUMN generation, DROP COLUMN previous, DROP COLUMN floor, DROP COLUMN issued_at, DROP COLUMN promoted_at,
      ADD CONSTRAINT ck_sessions_pairs_in_order CHECK (head_parent < head AND head <= issued AND unshown >= 0)""",
    "ALTER TABLE session_credentials RENAME COLUMN generation TO number",
    """ALTER TABLE session_credentials RENAME CONSTRAINT uq_session_credentials_session_id_generation
      TO uq_session_credentials_session_id_number""",
    """ALTER TABLE session_credentials
      ADD COLUMN parent integer NOT NULL DEFAULT 0,
      ADD COLUMN asked_address inet, ADD COLUMN asked_agent text,
      ADD COLUMN replaced_at timestamptz""",
    """UPDATE session_credentials c SET
        parent = CASE WHEN c.number > s.head THEN s.head WHEN c.number = s.head THEN s.head_parent ELSE c.number - 1 END,
        seen_at = CASE WHEN c.number <= s.head THEN coalesce(c.seen_at, c.created_at) ELSE c.seen_at END,
        replaced_at = CASE WHEN c.number = s.head_parent THEN s.head_since WHEN c.number < s.head THEN c.created_at END
      FROM sessions s WHERE s.id = c.session_id""",
    """ALTER TABLE session_credentials ALTER COLUMN parent DROP DEFAULT,
      ADD CONSTRAINT ck_session_credentials_parent_first CHECK (parent < number),
      ADD CONSTRAINT ck_session_credentials_replaced_was_shown CHECK (replaced_at IS NULL OR seen_at IS NOT NULL)""",
)

_DOWNGRADE = (
    """ALTER TABLE sessions
      ADD COLUMN generation integer NOT NULL DEFAULT 1, ADD COLUMN previous integer NOT NULL DEFAULT 0,
      ADD COLUMN floor integer NOT NULL DEFAULT -1, ADD COLUMN issued_at timestamptz, ADD COLUMN promoted_at timestamptz,
      DROP CONSTRAINT ck_sessions_pairs_in_order""",
    """UPDATE sessions SET generation = head, previous = head - 1, floor = head - 2, issued_at = clock_timestamp(),
      promoted_at = head_since""",
    """ALTER TABLE sessions
      ALTER COLUMN issued_at SET NOT NULL, ALTER COLUMN promoted_at SET NOT NULL,
      DROP COLUMN head, DROP COLUMN head_parent, DROP COLUMN head_since, DROP COLUMN unshown, DROP COLUMN due_at,
      ADD CONSTRAINT ck_sessions_generations_in_order
        CHECK (floor < previous AND previous < generation AND generation <= issued)""",
    """ALTER TABLE session_credentials
      DROP CONSTRAINT ck_session_credentials_parent_first,
      DROP CONSTRAINT ck_session_credentials_replaced_was_shown,
      DROP COLUMN parent, DROP COLUMN asked_address, DROP COLUMN asked_agent, DROP COLUMN replaced_at""",
    "ALTER TABLE session_credentials RENAME COLUMN number TO generation",
    """ALTER TABLE session_credentials RENAME CONSTRAINT uq_session_credentials_session_id_number
      TO uq_session_credentials_session_id_generation""",
)


def upgrade() -> None:
    for statement in _UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWNGRADE:
        op.execute(statement)
