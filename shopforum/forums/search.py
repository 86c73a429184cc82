"""Search in posts. What is removed or hidden is not in it, for nobody.

Words are matched by their English stems, a word in a topic's title counting more. The best match comes first.
"""

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape
from sqlalchemy import ColumnElement, Double, Select, cast, func, literal_column, select

from .tables import categories, posts, topics

PERIODS = {"week": 7, "month": 30, "year": 365}

# Neither can stand in a post: control characters are refused before any form is read.
_START, _STOP = "\x02", "\x03"
_OPTIONS = (
    f"StartSel={_START}, StopSel={_STOP}, MaxFragments=2, MaxWords=24, MinWords=8, FragmentDelimiter=' … '"
)


@dataclass(frozen=True)
class Query:
    """What is looked for, and where. Empty fields do not narrow the search; `within` is a key of PERIODS."""

    words: str
    category: str = ""
    author: str = ""
    within: str = ""


def results(query: Query) -> tuple[Select[Any], list[ColumnElement[Any]]]:
    """The matching posts: a statement and its order, for `paging.page`. `headline` is for `marked`."""
    wanted = func.websearch_to_tsquery(literal_column("'english'::regconfig"), query.words)
    # Full precision: a rounded rank would not be met again by the next page's cursor.
    rank = cast(func.ts_rank(posts.c.search, wanted), Double).label("rank")
    statement = (
        select(posts.c.id, rank, posts.c.author_name, posts.c.created_at, posts.c.topic_id)
        .add_columns(topics.c.title, categories.c.slug, categories.c.name)
        .add_columns(
            func.ts_headline(literal_column("'english'::regconfig"), posts.c.body, wanted, _OPTIONS).label(
                "headline"
            )
        )
        .select_from(posts)
        .join(topics, topics.c.id == posts.c.topic_id)
        .join(categories, categories.c.id == topics.c.category_id)
        .where(posts.c.search.op("@@")(wanted), posts.c.removed_at.is_(None), ~topics.c.hidden)
    )
    if query.category:
        statement = statement.where(categories.c.slug == query.category)
    if query.author:
        statement = statement.where(func.lower(posts.c.author_name) == query.author.lower())
    if query.within in PERIODS:
        age = func.make_interval(0, 0, 0, PERIODS[query.within])
        statement = statement.where(posts.c.created_at > func.now() - age)
    return statement, [rank, posts.c.id]


def marked(headline: str) -> Markup:
    """An excerpt with what was found marked, and nothing else of it markup."""
    return Markup(str(escape(headline)).replace(_START, "<mark>").replace(_STOP, "</mark>"))  # noqa: S704 - escaped
