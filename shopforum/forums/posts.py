"""Reading, removing and restoring posts. Only its author and moderators see the text of a removed post."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import TextClause, text

from ..core.database import Database, once_more
from ..core.prepared_statements import Prepared
from ..core.rows import build
from ..sessions import acts
from ..sessions.vocabulary import ActKind
from . import mentions
from .inbox import COUNTS, WithCounts
from .paging import NumberedList
from .person import Person, viewing
from .read_markers import JOIN_MARKERS, READ_TO, READ_TO_POST
from .refusals import Locked, Missing

PAGE = 20

# A post is editable for :window seconds; 0 is for ever.
_EDITABLE = "(:window = 0 OR p.created_at > clock_timestamp() - make_interval(secs => :window)) AS editable"
_POST_COLUMNS = f"""p.id, p.number, p.author_id, p.author_name, p.created_at, p.edit_count, p.edited_at, p.removed_at,
      p.removed_by, p.removed_reason, m.handle, {mentions.OF_POST}, {_EDITABLE}"""
_ON_PAGE = Prepared(
    "forum_posts_on_page",
    f"""
    SELECT {_POST_COLUMNS}, CASE WHEN p.removed_at IS NULL THEN p.body ELSE '' END AS body
    FROM forum_posts p JOIN forum_members m ON m.user_id = p.author_id
    WHERE p.topic_id = :topic_id AND p.number BETWEEN :first AND :last ORDER BY p.number
    """,
)
_POST = Prepared(
    "forum_post",
    f"""
    SELECT {_POST_COLUMNS}, p.body, p.topic_id, t.title AS topic_title, t.locked, t.hidden, c.slug AS category_slug,
      c.name AS category_name, {COUNTS}
    FROM forum_posts p JOIN forum_topics t ON t.id = p.topic_id JOIN forum_categories c ON c.id = t.category_id
    JOIN forum_members m ON m.user_id = p.author_id WHERE p.id = :post_id
    """,
)
# The posts of a page are chosen first, from an index, so that only their later posts are counted.
_MINE = Prepared(
    "forum_own_posts",
    f"""
    SELECT p.id, p.topic_id, p.number, p.created_at, p.edit_count, p.removed_at, p.removed_by, p.removed_reason,
      left(p.body, 1000) AS beginning, t.title AS topic_title, t.locked, t.hidden, c.slug AS category_slug,
      c.name AS category_name, t.post_count - p.number AS replies, {_EDITABLE},
      (SELECT count(*) FROM forum_posts l WHERE l.topic_id = t.id AND l.number > greatest({READ_TO}, p.number)
        AND l.id > {READ_TO_POST} AND l.author_id <> :viewer AND l.removed_at IS NULL) AS unread,
      (SELECT post_count FROM forum_members WHERE user_id = :viewer) AS total, {COUNTS}
    FROM (SELECT id, topic_id, number, created_at, edit_count, removed_at, removed_by, removed_reason, body
          FROM forum_posts WHERE author_id = :viewer ORDER BY id DESC LIMIT :rows OFFSET :skip) p
    JOIN forum_topics t ON t.id = p.topic_id JOIN forum_categories c ON c.id = t.category_id {JOIN_MARKERS}
    ORDER BY p.id DESC
    """,
)
# An edit keeps the text before it. The text after it is that before the next edit, or the post's own.
_EDIT_COLUMNS = """
    SELECT e.id, e.edited_at, e.hidden_reason, e.hidden_at IS NOT NULL AS hidden, a.hidden_at IS NOT NULL AS hidden_after,
      CASE WHEN e.hidden_at IS NULL OR :moderator THEN e.reason ELSE '' END AS reason,
      CASE WHEN e.hidden_at IS NULL OR :moderator THEN e.body END AS before,
      CASE WHEN a.hidden_at IS NULL OR :moderator THEN coalesce(a.body, p.body) END AS after"""
_EDITS = """
    FROM forum_edits e JOIN forum_posts p ON p.id = e.post_id LEFT JOIN LATERAL (
      SELECT n.body, n.hidden_at FROM forum_edits n WHERE n.post_id = e.post_id AND n.id > e.id ORDER BY n.id LIMIT 1
    ) a ON true WHERE e.post_id = :post_id"""
_HISTORY = Prepared(
    "forum_history",
    f"""
    {_EDIT_COLUMNS}, p.edit_count AS total, {COUNTS} {_EDITS} ORDER BY e.id DESC LIMIT :rows OFFSET :skip
    """,
)
_EDITED = Prepared("forum_edit", f"{_EDIT_COLUMNS} {_EDITS} AND e.id = :edit_id")
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
    the author can edit it is not over.
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


@dataclass(frozen=True, kw_only=True)
class Post(PostOnPage, WithCounts):
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
    db: Database, topic_id: int, page: int, viewer: Person | None = None, window: int = 0
) -> list[PostOnPage]:
    """Return the posts of one page of a topic: a range of numbers, with the removed posts.

    A post is editable for `window` seconds; 0 is for ever.
    """
    values = {**viewing(viewer), "topic_id": topic_id, "window": window}
    first = (page - 1) * PAGE + 1
    return [build(PostOnPage, row) for row in db.all(_ON_PAGE, **values, first=first, last=first + PAGE - 1)]


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
    row = db.one(_POST, post_id=post_id, window=window, **viewing(viewer))
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


def mine(author: Person, window: int = 0) -> NumberedList[OwnPost]:
    """Return the list of a person's own posts, newest first. A post is editable for `window` seconds; 0 is for ever."""
    return NumberedList(_MINE, partial(build, OwnPost), {**viewing(author), "window": window})


def history(post_id: int, viewer: Person | None = None) -> NumberedList[Edit]:
    """Return the list of a post's edits, newest first."""
    return NumberedList(_HISTORY, partial(build, Edit), {**viewing(viewer), "post_id": post_id}, size=10)


def edited(db: Database, post_id: int, edit_id: int) -> Edit:
    """Return one edit of a post, as a moderator sees it. Raises Missing."""
    row = db.one(_EDITED, post_id=post_id, edit_id=edit_id, moderator=True)
    if row is None:
        raise Missing
    return build(Edit, row)


def remove(db: Database, post_id: int, author: Person) -> Post:
    """Remove the author's own post; its number stays taken. Return the post. Raises Missing and Locked."""
    found = own_post(db, post_id, author)
    _change(db, _REMOVE, ActKind.POST_REMOVED, post_id, author)
    return found


def restore(db: Database, post_id: int, author: Person) -> Post:
    """Restore a post that its author has removed. Return the post. Raises Missing, also if a moderator removed it."""
    found = own_post(db, post_id, author)
    if found.removed_by == "moderator":
        raise Missing
    _change(db, _RESTORE, ActKind.POST_RESTORED, post_id, author)
    return found


@once_more
def _change(db: Database, statement: TextClause, kind: ActKind, post_id: int, author: Person) -> None:
    with db.transaction() as connection:
        if connection.execute(statement, {"post_id": post_id, "user_id": author.id}).rowcount:
            acts.write(connection, author.acting, kind, post_id)
