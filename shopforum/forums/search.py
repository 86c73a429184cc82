"""Search in posts. Removed and hidden posts are never found, not even by moderators.

Words are matched by their English stems; a word in a topic's title counts more. The best match comes first. A search
without words lists an author's posts, newest first: mentions link to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from markupsafe import Markup, escape
from sqlalchemy import ColumnElement, Double, cast, func, literal, literal_column, select

from ..core.listing import Listing
from ..core.rows import build
from .members import suspended
from .tables import categories, members, posts, topics
from .topics import CATEGORY

PERIODS = {"week": 7, "month": 30, "year": 365}

# Neither can stand in a post: control characters are refused before any form is read.
_START, _STOP = "\x02", "\x03"
_OPTIONS = f"StartSel={_START}, StopSel={_STOP}, MaxWords=35, MinWords=20, ShortWord=0"
_BEGINNING = 1000
# Making a headline takes time that grows with the number of words and the square of the searched text, and anybody can
# ask for it.
_MOST_WORDS, _MOST_CHARACTERS = 20, 5000


@dataclass(frozen=True)
class Query:
    """A search. An empty field does not narrow it. `within` is a key of PERIODS.

    `author` is a name, which several people may have, or a handle after an `@`.
    """

    words: str
    category: str = ""
    author: str = ""
    within: str = ""


@dataclass(frozen=True, kw_only=True)
class Match:
    """A post that was found. `beginning` is enough of the text for an excerpt.

    `headline` is the passage with the words, for `marked`; it is empty if the query has no words. `suspended` is about the
    author, and False unless a moderator searches.
    """

    id: int
    author_name: str
    created_at: datetime
    topic_id: int
    topic_title: str
    category_slug: str
    category_name: str
    beginning: str
    headline: str
    suspended: bool


def results(query: Query, moderator: bool = False) -> Listing[Match]:
    """Return the list of the matching posts. Only for a moderator `suspended` is looked up."""
    statement = (
        select(posts.c.id, posts.c.author_name, posts.c.created_at, posts.c.topic_id)
        .add_columns(topics.c.title.label("topic_title"), *CATEGORY)
        .add_columns(func.left(posts.c.body, _BEGINNING).label("beginning"))
        .add_columns(suspended(posts.c.author_id) if moderator else literal(False).label("suspended"))
        .select_from(posts)
        .join(topics, topics.c.id == posts.c.topic_id)
        .join(categories, categories.c.id == topics.c.category_id)
        .where(posts.c.removed_at.is_(None), ~topics.c.hidden, *_narrowed(query))
    )
    make = partial(build, Match)
    if not query.words:
        return Listing(statement.add_columns(literal("").label("headline")), (posts.c.id,), make)
    words = " ".join(query.words.split()[:_MOST_WORDS])
    wanted = func.websearch_to_tsquery(literal_column("'english'::regconfig"), words)
    # Double precision: the next page's cursor would not meet a rounded rank again.
    rank = cast(func.ts_rank(posts.c.search, wanted), Double).label("rank")
    start = func.left(posts.c.body, _MOST_CHARACTERS)
    headline = func.ts_headline(literal_column("'english'::regconfig"), start, wanted, _OPTIONS)
    statement = statement.add_columns(rank, headline.label("headline"))
    return Listing(statement.where(posts.c.search.op("@@")(wanted)), (rank, posts.c.id), make)


def _narrowed(query: Query) -> Iterator[ColumnElement[bool]]:
    if query.category:
        yield categories.c.slug == query.category
    if query.author.startswith("@"):
        handle = query.author.removeprefix("@").lower()
        member = select(members.c.user_id).where(members.c.handle == handle)
        yield posts.c.author_id == member.scalar_subquery()
    elif query.author:
        yield func.lower(posts.c.author_name) == query.author.lower()
    if query.within in PERIODS:
        yield posts.c.created_at > func.now() - func.make_interval(0, 0, 0, PERIODS[query.within])


def marked(headline: str, beginning: str) -> Markup:
    """Return a headline as HTML with the found words marked. All other text is escaped; dots stand for omitted text."""
    words = headline.replace(_START, "").replace(_STOP, "").strip()
    before = "" if beginning.startswith(words) else "… "
    after = "" if len(beginning) < _BEGINNING and beginning.endswith(words) else " …"
    headline = f"{before}{headline.strip()}{after}"
    return Markup(str(escape(headline)).replace(_START, "<mark>").replace(_STOP, "</mark>"))  # noqa: S704 - escaped
