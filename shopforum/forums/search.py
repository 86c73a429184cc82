"""Search in posts. What is removed or hidden is not in it, for nobody.

Words are matched by their English stems, a word in a topic's title counting more. The best match comes first. Without
words it lists what somebody wrote, newest first: that is where mentions lead.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape
from sqlalchemy import ColumnElement, Double, Select, cast, func, literal_column, select

from .members import suspended
from .tables import categories, members, posts, topics

PERIODS = {"week": 7, "month": 30, "year": 365}

# Neither can stand in a post: control characters are refused before any form is read.
_START, _STOP = "\x02", "\x03"
_OPTIONS = f"StartSel={_START}, StopSel={_STOP}, MaxWords=35, MinWords=20, ShortWord=0"
_BEGINNING = 1000
# Making a passage takes the words of the query times the square of what is looked through: anybody can ask for it.
_MOST_WORDS, _LOOKED_THROUGH = 20, 5000


@dataclass(frozen=True)
class Query:
    """What is looked for, and where. Empty fields do not narrow the search; `within` is a key of PERIODS.

    `author` is a name, which several may have, or a handle after an `@`.
    """

    words: str
    category: str = ""
    author: str = ""
    within: str = ""


def results(query: Query, moderator: bool = False) -> tuple[Select[Any], list[ColumnElement[Any]]]:
    """The matching posts: a statement and its order, for `paging.page`.

    `beginning` is enough of the text for an excerpt; where words are looked for, `marked` makes it of `headline`. A
    moderator is also told whether the author is `suspended`.
    """
    statement = (
        select(posts.c.id, posts.c.author_name, posts.c.created_at, posts.c.topic_id)
        .add_columns(topics.c.title, categories.c.slug, categories.c.name)
        .add_columns(func.left(posts.c.body, _BEGINNING).label("beginning"))
        .select_from(posts)
        .join(topics, topics.c.id == posts.c.topic_id)
        .join(categories, categories.c.id == topics.c.category_id)
        .where(posts.c.removed_at.is_(None), ~topics.c.hidden, *_narrowed(query))
    )
    if moderator:
        statement = statement.add_columns(suspended(posts.c.author_id))
    if not query.words:
        return statement, [posts.c.id]
    words = " ".join(query.words.split()[:_MOST_WORDS])
    wanted = func.websearch_to_tsquery(literal_column("'english'::regconfig"), words)
    # Full precision: a rounded rank would not be met again by the next page's cursor.
    rank = cast(func.ts_rank(posts.c.search, wanted), Double).label("rank")
    start = func.left(posts.c.body, _LOOKED_THROUGH)
    headline = func.ts_headline(literal_column("'english'::regconfig"), start, wanted, _OPTIONS)
    statement = statement.add_columns(rank, headline.label("headline"))
    return statement.where(posts.c.search.op("@@")(wanted)), [rank, posts.c.id]


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
    """A passage of a text with what was found marked, and nothing else of it markup; dots stand for what is left out."""
    words = headline.replace(_START, "").replace(_STOP, "").strip()
    before = "" if beginning.startswith(words) else "… "
    after = "" if len(beginning) < _BEGINNING and beginning.endswith(words) else " …"
    headline = f"{before}{headline.strip()}{after}"
    return Markup(str(escape(headline)).replace(_START, "<mark>").replace(_STOP, "</mark>"))  # noqa: S704 - escaped
