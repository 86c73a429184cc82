"""Posts, as they are read, removed and restored. The text of a removed post is for its author and moderators."""

from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, case, func, literal, or_, select, text

from ..core.database import Database
from . import inbox, mentions
from .members import suspended
from .person import Locked, Missing, Person
from .read_markers import join_pointers
from .tables import categories, category_reads, edits, members, posts, topic_reads, topics

PAGE = 20

_POSITION = text("SELECT number FROM forum_posts WHERE id = :post_id AND topic_id = :topic_id")
_REMOVE = text("""
    UPDATE forum_posts SET removed_at = clock_timestamp(), removed_by = 'author'
    WHERE id = :post_id AND author_id = :user_id AND removed_at IS NULL
    """)
_RESTORE = text("""
    UPDATE forum_posts SET removed_at = NULL, removed_by = NULL
    WHERE id = :post_id AND author_id = :user_id AND removed_by = 'author'
    """)


def page_of(number: int) -> int:
    """The page of a topic on which its post with this number stands."""
    return (max(number, 1) - 1) // PAGE + 1


def on_page(
    db: Database, topic_id: int, page: int, window: int = 0, moderator: bool = False
) -> list[RowMapping]:
    """The posts on a page of a topic, a range of numbers. Removed ones are among them, their `body` empty.

    `handle` is the author's, `mentions` those the post mentions, `editable` says whether it is younger than `window`
    seconds; 0 is for ever. A moderator is also told whether the author is `suspended`.
    """
    columns = [column for column in posts.c if column.name not in ("body", "search", "title", "topic_id")]
    body = case((posts.c.removed_at.is_(None), posts.c.body), else_="").label("body")
    first = (page - 1) * PAGE
    statement = (
        select(*columns, body, members.c.handle, mentions.of_post(), _editable(window))
        .join(members, members.c.user_id == posts.c.author_id)
        .where(posts.c.topic_id == topic_id, posts.c.number.between(first + 1, first + PAGE))
        .order_by(posts.c.number)
    )
    return db.all(statement.add_columns(suspended(posts.c.author_id)) if moderator else statement)


def number_of(db: Database, topic_id: int, post_id: int) -> int:
    """A post's number within its topic. Raises Missing."""
    row = db.one(_POSITION, topic_id=topic_id, post_id=post_id)
    if row is None:
        raise Missing
    return int(row["number"])


def post(db: Database, post_id: int, viewer: Person | None, window: int = 0) -> RowMapping:
    """A post, as `on_page` has it, with its topic (`topic_title`, `locked`, `hidden`) and category. Raises Missing.

    A removed post is there for its author and for moderators, a post in a hidden topic for moderators.
    """
    columns = [column for column in posts.c if column.name not in ("search", "title")]
    statement = (
        select(*columns, topics.c.title.label("topic_title"), topics.c.locked, topics.c.hidden)
        .add_columns(categories.c.slug, categories.c.name, members.c.handle, mentions.of_post())
        .add_columns(_editable(window))
        .select_from(posts)
        .join(topics, topics.c.id == posts.c.topic_id)
        .join(categories, categories.c.id == topics.c.category_id)
        .join(members, members.c.user_id == posts.c.author_id)
        .where(posts.c.id == post_id)
    )
    moderator = viewer is not None and viewer.moderator
    if moderator:
        statement = statement.add_columns(suspended(posts.c.author_id))
    row = db.one(inbox.along(statement, viewer))
    own = viewer is not None and row is not None and row["author_id"] == viewer.id
    if row is None or (row["hidden"] and not moderator):
        raise Missing
    if row["removed_at"] is not None and not (moderator or own):
        raise Missing
    return row


def own_post(db: Database, post_id: int, author: Person, window: int = 0) -> RowMapping:
    """One's own post, to be changed. Raises Missing for somebody else's, and Locked."""
    row = post(db, post_id, author, window)
    if row["author_id"] != author.id:
        raise Missing
    if row["locked"] and not author.moderator:
        raise Locked
    return row


def mine(author: Person, window: int = 0) -> tuple[Select[Any], list[ColumnElement[Any]]]:
    """Somebody's own posts, newest first: a statement and its order, for `paging.page`.

    `beginning` is enough of the text for an excerpt, `replies` counts the posts after it in the topic, `unread`
    those of them by others that the author has not read.
    """
    number, post_id = func.coalesce(topic_reads.c.number, 0), func.coalesce(category_reads.c.post_id, 0)
    later = posts.alias("later")
    unread = (
        select(func.count())
        .where(later.c.topic_id == topics.c.id, later.c.number > func.greatest(number, posts.c.number))
        .where(later.c.id > post_id, later.c.author_id != author.id, later.c.removed_at.is_(None))
        .correlate(posts, topics, topic_reads, category_reads)
        .scalar_subquery()
    )
    wanted = (
        "id",
        "topic_id",
        "number",
        "created_at",
        "edit_count",
        "removed_at",
        "removed_by",
        "removed_reason",
    )
    statement = (
        select(*(posts.c[name] for name in wanted), func.left(posts.c.body, 1000).label("beginning"))
        .add_columns(topics.c.title.label("topic_title"), topics.c.locked, topics.c.hidden)
        .add_columns(categories.c.slug, categories.c.name)
        .add_columns((topics.c.post_count - posts.c.number).label("replies"), unread.label("unread"))
        .add_columns(_editable(window))
        .select_from(posts)
        .join(topics, topics.c.id == posts.c.topic_id)
        .join(categories, categories.c.id == topics.c.category_id)
        .where(posts.c.author_id == author.id)
    )
    return join_pointers(statement, author.id), [posts.c.id]


def history(post_id: int, moderator: bool = False) -> tuple[Select[Any], list[ColumnElement[Any]]]:
    """The edits of a post, newest first, each with the text `before` and `after` it: for `paging.page`.

    What was hidden is None but for a moderator; `hidden` says whether the text before the edit is, and `hidden_after` the
    text after it, which is what stood before the next edit.
    """
    following = (
        select(edits.c.body, edits.c.hidden_at)
        .where(edits.c.post_id == post_id)
        .order_by(edits.c.id)
        .limit(1)
    )
    own = edits.alias("own")
    after = following.where(edits.c.id > own.c.id).correlate(own).lateral("after")
    hidden, hidden_after = own.c.hidden_at.is_not(None), after.c.hidden_at.is_not(None)
    statement = (
        select(own.c.id, own.c.edited_at, own.c.hidden_reason, hidden.label("hidden"))
        .add_columns(
            hidden_after.label("hidden_after"),
            case((or_(~hidden, literal(moderator)), own.c.reason), else_="").label("reason"),
            case((or_(~hidden, literal(moderator)), own.c.body)).label("before"),
            case((or_(~hidden_after, literal(moderator)), func.coalesce(after.c.body, posts.c.body))).label(
                "after"
            ),
        )
        .select_from(own.join(posts, posts.c.id == own.c.post_id).outerjoin(after, literal(True)))
        .where(own.c.post_id == post_id)
    )
    return statement, [own.c.id]


def edited(db: Database, post_id: int, edit_id: int) -> RowMapping:
    """An edit of a post for a moderator, as `history` has it. Raises Missing."""
    statement, [key] = history(post_id, moderator=True)
    row = db.one(statement.where(key == edit_id))
    if row is None:
        raise Missing
    return row


def remove(db: Database, post_id: int, author: Person) -> RowMapping:
    """Take one's own post out of sight; its place stays. Returns the post. Raises Missing and Locked."""
    row = own_post(db, post_id, author)
    db.all(_REMOVE, post_id=post_id, user_id=author.id)
    return row


def restore(db: Database, post_id: int, author: Person) -> RowMapping:
    """Bring back what one has removed oneself. Returns the post. Raises Missing, for what a moderator removed too."""
    row = own_post(db, post_id, author)
    if row["removed_by"] == "moderator":
        raise Missing
    db.all(_RESTORE, post_id=post_id, user_id=author.id)
    return row


def _editable(window: int) -> ColumnElement[bool]:
    age = func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, window)
    return (posts.c.created_at > age if window else literal(True)).label("editable")
