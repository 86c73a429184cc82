"""The personal data that the forums keep about a user. Texts that a moderator has hidden are left out."""

from ..core.personal import PersonalRows

ROWS = (
    PersonalRows(
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
    PersonalRows(
        "inbox",
        "your inbox",
        """SELECT i.id, jsonb_build_object('kind', i.kind, 'topic', t.title, 'from', i.actor_name, 'act', i.act,
          'reason', i.reason, 'at', i.created_at, 'read_at', i.read_at) AS data
        FROM forum_inbox i JOIN forum_topics t ON t.id = i.topic_id
        WHERE i.user_id = :user_id AND (i.kind = 'moderation' OR NOT t.hidden)""",
        key="i.id",
    ),
    PersonalRows(
        "followed_topics",
        "the topics that you follow",
        """SELECT f.topic_id AS id, jsonb_build_object('topic', t.title, 'since', f.created_at) AS data
        FROM forum_follows f JOIN forum_topics t ON t.id = f.topic_id WHERE f.user_id = :user_id AND NOT t.hidden""",
        key="f.topic_id",
    ),
    PersonalRows(
        "letters",
        "how often we write to you",
        """SELECT 0 AS id, jsonb_build_object('email', l.email, 'every', l.every) AS data
        FROM forum_letters l WHERE l.user_id = :user_id""",
        key="0",
    ),
)
