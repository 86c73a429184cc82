"""Forums: search that finds words without accents, and Chinese and Japanese words."""

import sqlalchemy as sa
from alembic import op

revision = "0014_forum_search"
down_revision = "0013_store_service"
branch_labels = None
depends_on = None

# search.py prepares the words of a query in the same way. Letters lose their accents; a character of a script without
# spaces between words becomes a word of its own.
_WORDS = r"""
CREATE FUNCTION forum_words(words text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
  regexp_replace(
    normalize(regexp_replace(normalize(words, NFKD), '[\u0300-\u036f]+', '', 'g'), NFC),
    '([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])', ' \1 ', 'g')
"""
_VECTOR = """
CREATE FUNCTION forum_vector(title text, body text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
  setweight(to_tsvector('english'::regconfig, forum_words(title)), 'A')
  || setweight(to_tsvector('english'::regconfig, forum_words(body)), 'B')
"""


def upgrade() -> None:
    op.execute(_WORDS)
    op.execute(_VECTOR)
    op.create_index(
        "ix_forum_posts_words",
        "forum_posts",
        [sa.text("forum_vector(title, body)")],
        unique=False,
        postgresql_using="gin",
    )


def downgrade() -> None:
    op.drop_index("ix_forum_posts_words", table_name="forum_posts")
    op.execute("DROP FUNCTION forum_vector(text, text)")
    op.execute("DROP FUNCTION forum_words(text)")
