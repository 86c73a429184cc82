"""Forums: an index of posts by stretches of their ids, so that a search for common words reads the newest posts alone."""

import sqlalchemy as sa
from alembic import op

revision = "0032_search_by_stretches"
down_revision = "0031_guest_orders"
branch_labels = None
depends_on = None

# search.py makes the terms of a query in the same way. Each term begins with the stretch of 8,192 ids that the post is in. Then
# follows nothing; or an @ and the author's id; or = and the author's name, without the
# signs that are special in a tsquery; or a full stop and a stem of the post;
# or an exclamation mark and a stem of its title. A term cannot be longer than 2,046 bytes, so a long one is cut.
_TERMS = r"""
CREATE FUNCTION forum_terms(id bigint, author_id uuid, author_name text, title text, body text)
RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN (
  SELECT array_to_tsvector(array_agg(left(to_hex(id >> 13) || kind || term, 255)))
  FROM (
    VALUES ('', ''), ('@', CAST(author_id AS text)), ('=', translate(lower(author_name), '''\', ''))
    UNION ALL SELECT '.', unnest(tsvector_to_array(forum_vector(title, body)))
    UNION ALL SELECT '!', unnest(tsvector_to_array(forum_vector(title, '')))
  ) AS terms (kind, term)
)
"""


def upgrade() -> None:
    op.execute(_TERMS)
    # Each search looks into the index once for each stretch: a list of pending posts would be read as often.
    op.create_index(
        "ix_forum_posts_terms",
        "forum_posts",
        [sa.text("forum_terms(id, author_id, author_name, title, body)")],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.drop_index("ix_forum_posts_words", table_name="forum_posts")


def downgrade() -> None:
    op.create_index(
        "ix_forum_posts_words",
        "forum_posts",
        [sa.text("forum_vector(title, body)")],
        unique=False,
        postgresql_using="gin",
    )
    op.drop_index("ix_forum_posts_terms", table_name="forum_posts")
    op.execute("DROP FUNCTION forum_terms(bigint, uuid, text, text, text)")
