"""Reading, removing and restoring posts. Only its author and moderators see the text of a removed post."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, literal, or_, select, text

from ..core.database import Database
from ..core.listing import Listing
from ..core.rows import build
from . import inbox, mentions
from .inbox import WithUnreadCount
from .members import suspended
from .person import Person
from .read_markers import join_markers
from .refusals import Locked, Missing
from .tables import categories, category_reads, edits, members, posts, topic_reads, topics
from .topics import CATEGORY

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


@dataclass(frozen=True, kw_only=True)
class PostOnPage:
    """A post on the page of its topic. The `body` of a removed post is empty.

    `handle` is the author's, `mentions` are the handles that the post mentions. `editable` says whether the time in which
    the author can edit it is not over. `suspended` is about the author, and False unless a moderator is the viewer.
    """

    id: int
    number: int
    author_id: UUID
    author_name: str
    handle: str
    created_at: datetime
    edit_count: int
    edited_at: datetime | None
    removed_at: datetime | None
    removed_by: str | None
    removed_reason: str
    body: str
    mentions: list[str]
    editable: bool
    suspended: bool


@dataclass(frozen=True, kw_only=True)
class Post(PostOnPage, WithUnreadCount):
    """A post by itself, with its topic and category. The `body` is there even if the post is removed."""

    topic_id: int
    topic_title: str
    locked: bool
    hidden: bool
    category_slug: str
    category_name: str


@dataclass(frozen=True, kw_only=True)
class OwnPost:
    """A post in the list of the author's own posts.

    `beginning` is enough of the text for an excerpt. `replies` counts the later posts of the topic, `unread` those of them
    by others that the author has not read.
    """

    id: int
    topic_id: int
    topic_title: str
    number: int
    created_at: datetime
    edit_count: int
    removed_at: datetime | None
    removed_by: str | None
    removed_reason: str
    locked: bool
    hidden: bool
    category_slug: str
    category_name: str
    beginning: str
    replies: int
    unread: int
    editable: bool


@dataclass(frozen=True, kw_only=True)
class Edit:
    """An edit of a post: the texts before and after it, and the author's reason.

    `hidden` says that a moderator has hidden the text before the edit, `hidden_after` the text after it, which is the text
    before the next edit. A hidden text is None unless a moderator is the viewer.
    """

    id: int
    edited_at: datetime
    reason: str
    before: str | None
    after: str | None
    hidden: bool
    hidden_after: bool
    hidden_reason: str


def page_of(number: int) -> int:
    """Return the page of a topic that has the post with this number."""
    return (max(number, 1) - 1) // PAGE + 1


def on_page(
    db: Database, topic_id: int, page: int, window: int = 0, moderator: bool = False
) -> list[PostOnPage]:
    """Return the posts of one page of a topic: a range of numbers, with the removed posts.

    A post is editable for `window` seconds; 0 is for ever. Only for a moderator `suspended` is looked up.
    """
    columns = [column for column in posts.c if column.name not in ("body", "search", "title", "topic_id")]
    body = case((posts.c.removed_at.is_(None), posts.c.body), else_="").label("body")
    first = (page - 1) * PAGE
    statement = (
        select(*columns, body, members.c.handle, mentions.of_post(), _editable(window))
        .add_columns(_suspended(moderator))
        .join(members, members.c.user_id == posts.c.author_id)
        .where(posts.c.topic_id == topic_id, posts.c.number.between(first + 1, first + PAGE))
        .order_by(posts.c.number)
    )
    return [build(PostOnPage, row) for row in db.all(statement)]


def number_of(db: Database, topic_id: int, post_id: int) -> int:
    """Return a post's number within its topic. Raises Missing."""
    row = db.one(_POSITION, topic_id=topic_id, post_id=post_id)
    if row is None:
        raise Missing
    return int(row["number"])


def post(db: Database, post_id: int, viewer: Person | None, window: int = 0) -> Post:
    """Return a post with its topic and category. A post is editable for `window` seconds; 0 is for ever.

    Raises Missing, also for a removed post unless the viewer is its author or a moderator, and for a post of a hidden topic
    unless the viewer is a moderator.
    """
    moderator = viewer is not None and viewer.moderator
    columns = [column for column in posts.c if column.name not in ("search", "title")]
    statement = (
        select(*columns, topics.c.title.label("topic_title"), topics.c.locked, topics.c.hidden)
        .add_columns(*CATEGORY, members.c.handle, mentions.of_post())
        .add_columns(_editable(window), _suspended(moderator))
        .select_from(posts)
        .join(topics, topics.c.id == posts.c.topic_id)
        .join(categories, categories.c.id == topics.c.category_id)
        .join(members, members.c.user_id == posts.c.author_id)
        .where(posts.c.id == post_id)
    )
    row = db.one(inbox.with_unread_count(statement, viewer))
    if row is None:
        raise Missing
    found = build(Post, row)
    own = viewer is not None and found.author_id == viewer.id
    if (found.hidden and not moderator) or (found.removed_at is not None and not (moderator or own)):
        raise Missing
    return found


def own_post(db: Database, post_id: int, author: Person, window: int = 0) -> Post:
    """Return the author's own post, to be changed. Raises Missing for another person's post, and Locked."""
    found = post(db, post_id, author, window)
    if found.author_id != author.id:
        raise Missing
    if found.locked and not author.moderator:
        raise Locked
    return found


def mine(author: Person, window: int = 0) -> Listing[OwnPost]:
    """Return the list of a person's own posts, newest first. A post is editable for `window` seconds; 0 is for ever."""
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
        .add_columns(topics.c.title.label("topic_title"), topics.c.locked, topics.c.hidden, *CATEGORY)
        .add_columns((topics.c.post_count - posts.c.number).label("replies"), unread.label("unread"))
        .add_columns(_editable(window))
        .select_from(posts)
        .join(topics, topics.c.id == posts.c.topic_id)
        .join(categories, categories.c.id == topics.c.category_id)
        .where(posts.c.author_id == author.id)
    )
    return Listing(join_markers(statement, author.id), (posts.c.id,), partial(build, OwnPost))


def history(post_id: int, moderator: bool = False) -> Listing[Edit]:
    """Return the list of a post's edits, newest first."""
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
    return Listing(statement, (own.c.id,), partial(build, Edit))


def edited(db: Database, post_id: int, edit_id: int) -> Edit:
    """Return one edit of a post, as a moderator sees it. Raises Missing."""
    listing = history(post_id, moderator=True)
    row = db.one(listing.statement.where(listing.order[0] == edit_id))
    if row is None:
        raise Missing
    return listing.read(row)


def remove(db: Database, post_id: int, author: Person) -> Post:
    """Remove the author's own post; its number stays taken. Return the post. Raises Missing and Locked."""
    found = own_post(db, post_id, author)
    db.all(_REMOVE, post_id=post_id, user_id=author.id)
    return found


def restore(db: Database, post_id: int, author: Person) -> Post:
    """Restore a post that its author has removed. Return the post. Raises Missing, also if a moderator removed it."""
    found = own_post(db, post_id, author)
    if found.removed_by == "moderator":
        raise Missing
    db.all(_RESTORE, post_id=post_id, user_id=author.id)
    return found


def _editable(window: int) -> ColumnElement[bool]:
    age = func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, window)
    return (posts.c.created_at > age if window else literal(True)).label("editable")


def _suspended(moderator: bool) -> ColumnElement[bool]:
    return suspended(posts.c.author_id) if moderator else literal(False).label("suspended")
