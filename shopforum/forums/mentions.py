"""Mentions: `@handle` in the author's own words. A stored mention becomes a link wherever the post is shown.

A post mentions at most `ForumSettings.mentions` people, all its edits together: an edit makes no room for more.
"""

from collections.abc import Sequence
from uuid import UUID

from markupsafe import Markup
from sqlalchemy import Connection, text

from ..core.database import Database
from ..core.markdown import mentioned, render
from .person import Person

_ADD = text("""
    INSERT INTO forum_mentions (post_id, user_id)
    SELECT :post_id, m.user_id FROM forum_members m
    WHERE m.handle = ANY (:handles) AND m.user_id <> :author_id
      AND NOT EXISTS (SELECT 1 FROM forum_mentions k WHERE k.post_id = :post_id AND k.user_id = m.user_id)
    ORDER BY array_position(:handles, m.handle)
    LIMIT greatest(0, :most - (SELECT count(*) FROM forum_mentions WHERE post_id = :post_id))
    RETURNING user_id
    """)
# A column over a post `p`: the handles that it mentions.
OF_POST = """ARRAY(SELECT m.handle FROM forum_mentions w JOIN forum_members m ON m.user_id = w.user_id
      WHERE w.post_id = p.id) AS mentions"""

_KNOWN = text("SELECT handle FROM forum_members WHERE handle = ANY (:handles)")


def add(connection: Connection, post_id: int, author: Person, body: str, most: int) -> Sequence[UUID]:
    """Store the mentions of a new text of a post. Return the ids of the people whom the post did not mention before."""
    handles = mentioned(body)
    if not handles:
        return []
    values = {"post_id": post_id, "author_id": author.id, "handles": handles, "most": most}
    return connection.execute(_ADD, values).scalars().all()


def preview(db: Database, body: str) -> Markup:
    """Return a text as HTML. One statement if the text mentions somebody, otherwise none."""
    handles = mentioned(body)
    known = db.all(_KNOWN, handles=handles) if handles else []
    return render(body, [row["handle"] for row in known])
