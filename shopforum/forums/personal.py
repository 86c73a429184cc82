"""The forums' tables with data about users. Texts that a moderator has hidden are not in a user's file.

Posts stay, because other people have answered them. They lose their author's name and page.
"""

from ..core.personal import DELETED_NAME, Fate, PersonalRows, UserTable

_SITE = "forums"


def _rename(table: str, column: str, found: str) -> str:
    """SQL that puts DELETED_NAME into a column of rows, found by a FROM clause with the row as `x`, which ends in a condition."""
    return f"""UPDATE {table} SET {column} = :name WHERE id = ANY (ARRAY(
      SELECT x.id FROM {found} AND x.{column} <> :name ORDER BY x.id LIMIT :step))"""


TABLES = (
    UserTable(
        "forum_posts",
        Fate.ANONYMISED,
        why=f"others have answered them; they are shown as by “{DELETED_NAME}”",
        erase=(_rename("forum_posts", "author_name", "forum_posts x WHERE x.author_id = :user_id"),),
        site=_SITE,
        rows=PersonalRows(
            "posts",
            "your posts, with their earlier texts",
            """SELECT p.id, jsonb_build_object('topic', t.title, 'number', p.number, 'text', p.body, 'name', p.author_name,
              'written_at', p.created_at, 'edited_at', p.edited_at, 'removed_at', p.removed_at,
              'earlier_texts', (SELECT coalesce(jsonb_agg(jsonb_build_object('text', e.body, 'reason', e.reason,
                'replaced_at', e.edited_at) ORDER BY e.id), '[]')
                FROM forum_edits e WHERE e.post_id = p.id AND e.hidden_at IS NULL)) AS data
            FROM forum_posts p JOIN forum_topics t ON t.id = p.topic_id WHERE p.author_id = :user_id""",
            key="p.id",
        ),
    ),
    UserTable(
        "forum_topics",
        Fate.ANONYMISED,
        why="as the posts in them",
        # By the posts, which have an index of their authors.
        erase=(
            _rename(
                "forum_topics",
                "author_name",
                """forum_posts p JOIN forum_topics x ON x.id = p.topic_id
              WHERE p.author_id = :user_id AND p.number = 1 AND x.author_id = :user_id""",
            ),
            _rename(
                "forum_topics",
                "last_post_by",
                """forum_posts p JOIN forum_topics x ON x.id = p.topic_id
              WHERE p.author_id = :user_id AND x.last_post_id = p.id""",
            ),
        ),
    ),
    UserTable(
        "forum_flags",
        Fate.ANONYMISED,
        why="moderators have decided by them",
        erase=(_rename("forum_flags", "user_name", "forum_flags x WHERE x.user_id = :user_id"),),
        site=_SITE,
        rows=PersonalRows(
            "reports",
            "your reports of posts",
            """SELECT f.id, jsonb_build_object('topic', CASE WHEN NOT t.hidden THEN t.title END,
              'reason', f.reason, 'note', f.note, 'at', f.created_at,
              'settled_at', f.settled_at) AS data
            FROM forum_flags f JOIN forum_posts p ON p.id = f.post_id JOIN forum_topics t ON t.id = p.topic_id
            WHERE f.user_id = :user_id""",
            key="f.id",
        ),
    ),
    UserTable(
        "forum_inbox",
        Fate.DELETED,
        # The name in other people's messages, by the post or the act that a message is about.
        erase=(
            "DELETE FROM forum_inbox WHERE user_id = :user_id",
            _rename(
                "forum_inbox",
                "actor_name",
                """forum_posts p JOIN forum_inbox x ON x.post_id = p.id
              WHERE p.author_id = :user_id AND x.kind <> 'moderation'""",
            ),
            _rename(
                "forum_inbox",
                "actor_name",
                """forum_actions a JOIN forum_inbox x ON x.topic_id = a.topic_id
              WHERE a.actor_id = :user_id AND x.kind = 'moderation' AND x.post_id IS NOT DISTINCT FROM a.post_id
                AND (x.act, x.reason, x.actor_name) = (a.action, a.reason, a.actor_name)""",
            ),
        ),
        site=_SITE,
        rows=PersonalRows(
            "inbox",
            "your inbox",
            """SELECT i.id, jsonb_build_object('kind', i.kind, 'topic', t.title, 'from', i.actor_name, 'act', i.act,
              'reason', i.reason, 'at', i.created_at, 'read_at', i.read_at) AS data
            FROM forum_inbox i JOIN forum_topics t ON t.id = i.topic_id
            WHERE i.user_id = :user_id AND (i.kind = 'moderation' OR NOT t.hidden)""",
            key="i.id",
        ),
    ),
    # After the inbox, which finds its messages by the names here.
    UserTable(
        "forum_actions",
        Fate.ANONYMISED,
        why="the log of the moderators is public and complete",
        erase=(_rename("forum_actions", "actor_name", "forum_actions x WHERE x.actor_id = :user_id"),),
    ),
    UserTable(
        "forum_members",
        Fate.ANONYMISED,
        why="posts name their author by it",
        # No name makes a handle with this sign: it is nobody's, has no page, and cannot be mentioned (`links.nobody`).
        erase=(
            """UPDATE forum_members SET handle = '~' || CAST(user_id AS text)
            WHERE user_id = :user_id AND NOT starts_with(handle, '~')""",
        ),
    ),
    UserTable(
        "forum_mentions",
        Fate.DELETED,
        erase=("DELETE FROM forum_mentions WHERE user_id = :user_id",),
    ),
    UserTable(
        "forum_follows",
        Fate.DELETED,
        erase=("DELETE FROM forum_follows WHERE user_id = :user_id",),
        site=_SITE,
        rows=PersonalRows(
            "followed_topics",
            "the topics that you follow",
            """SELECT f.topic_id AS id, jsonb_build_object('topic', t.title, 'since', f.created_at) AS data
            FROM forum_follows f JOIN forum_topics t ON t.id = f.topic_id WHERE f.user_id = :user_id AND NOT t.hidden""",
            key="f.topic_id",
        ),
    ),
    UserTable(
        "forum_letters",
        Fate.DELETED,
        erase=("DELETE FROM forum_letters WHERE user_id = :user_id",),
        site=_SITE,
        rows=PersonalRows(
            "letters",
            "how often we write to you",
            """SELECT 0 AS id, jsonb_build_object('email', l.email, 'every', l.every) AS data
            FROM forum_letters l WHERE l.user_id = :user_id""",
            key="0",
        ),
    ),
    UserTable(
        "forum_topic_reads",
        Fate.DELETED,
        label="what you have read",
        erase=("DELETE FROM forum_topic_reads WHERE user_id = :user_id",),
    ),
    UserTable(
        "forum_category_reads",
        Fate.DELETED,
        erase=("DELETE FROM forum_category_reads WHERE user_id = :user_id",),
    ),
    UserTable(
        "forum_security_reads",
        Fate.DELETED,
        erase=("DELETE FROM forum_security_reads WHERE user_id = :user_id",),
    ),
)
