"""Store: a search that forgives."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013_store_service"
down_revision = "0007_api"
branch_labels = None
depends_on = None

_SOLD = sa.text("NOT withdrawn")


def _folded(text: str) -> str:
    """The text in small letters and without accents, as shopforum/core/search.py writes it."""
    plain = f"lower(regexp_replace(normalize({text}, NFKD), '[\\u0300-\\u036f]', '', 'g'))"
    return f"replace(translate({plain}, 'øłđ', 'old'), 'ß', 'ss')"


def upgrade() -> None:
    # Trusted since PostgreSQL 13: the database's owner may create it.
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    about = _folded("category || ' ' || summary || ' ' || description")
    words = (
        f"setweight(to_tsvector('english'::regconfig, {_folded('name')}), 'A'::\"char\") || "
        f"setweight(to_tsvector('english'::regconfig, {about}), 'B'::\"char\")"
    )
    spelling = _folded("name || ' ' || category || ' ' || summary")
    op.add_column(
        "products",
        sa.Column("words", postgresql.TSVECTOR(), sa.Computed(words, persisted=True), nullable=False),
    )
    op.add_column(
        "products", sa.Column("spelling", sa.Text(), sa.Computed(spelling, persisted=True), nullable=False)
    )
    op.create_index(
        "ix_products_words", "products", ["words"], postgresql_using="gin", postgresql_where=_SOLD
    )
    op.create_index(
        "ix_products_spelling",
        "products",
        ["spelling"],
        postgresql_using="gin",
        postgresql_ops={"spelling": "gin_trgm_ops"},
        postgresql_where=_SOLD,
    )


def downgrade() -> None:
    op.drop_column("products", "spelling")
    op.drop_column("products", "words")
