"""Fill a database with many sessions, skewed as those of a busy site: a million in one to three minutes.

One in three sessions has not ended. A few people, browsers and addresses have many sessions, and most have few. The
network CROWD has a hundredth of the sessions, all of them live and 10,000 at most, RARE_AGENT 20 sessions.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import cursor

# Sessions of this network: a hundredth of all, at most MOST_CROWD.
CROWD = "198.18.0.0/16"
MOST_CROWD = 10_000
RARE_AGENT = "Netscape/4.8"
RARE = 20
TABLES = ("sessions", "session_credentials", "session_places", "session_flags", "audit_log")

# Numbered from the newest sign-in, a second for each at a million: the last is 58 days old.
_SESSIONS = f"""
INSERT INTO sessions (id, site, user_id, user_name, user_email, roles, refresh_token_id, created_at, authenticated_at,
  absolute_end, idle_end, last_seen_at, address, agent, last_address, last_agent, ended_at, end_reason, quarantined_at,
  quarantine_reason, bound_at)
SELECT md5('s' || n)::uuid, site, md5('u' || person)::uuid, 'Person ' || person, 'p' || person || '@mail.example', '{{shopper}}',
  CASE WHEN site <> 'admin' THEN md5('t' || n)::uuid END, made, made, made + interval '30 days',
  least(made + interval '30 days', seen + interval '30 minutes'), seen, address, agent, address, agent,
  CASE WHEN ended THEN least(seen + interval '1 hour', now()) END, CASE WHEN ended THEN 'logout' END,
  CASE WHEN NOT ended AND n % 5000 = 7 THEN made END, CASE WHEN NOT ended AND n % 5000 = 7 THEN 'other_browser' END,
  CASE WHEN n % 5 = 0 THEN made END
FROM (
  SELECT n, now() - n * interval '58 days' / :count AS made,
    CASE WHEN n % 50 = 1 THEN 'admin' WHEN n % 5 < 3 THEN 'store' ELSE 'forums' END AS site,
    (:count / 5 * power(random(), 3))::int AS person, in_crowd,
    now() - n * interval '58 days' / :count * (CASE WHEN n % 7 = 0 THEN 0.01 ELSE 0.5 + random() / 2 END) AS seen,
    CASE WHEN n % (:count / {RARE}) = 3 THEN '{RARE_AGENT}' ELSE
      'Mozilla/5.0 (X11; Linux x86_64) Chrome/' || (60 + 90 * power(random(), 4))::int || '.' || n % 3 || ' Safari/537.36' END AS agent,
    CASE WHEN in_crowd THEN inet '198.18.0.0' + n % 65536
      ELSE inet '10.0.0.0' + (16000000 * power(random(), 2))::bigint END AS address,
    NOT in_crowd AND (n > :count * 0.51 OR n % 3 > 0) AS ended
  FROM generate_series(1, :count) n, LATERAL (SELECT n % 47 = 5 AND n < :crowd * 47 AS in_crowd) c
) made"""

_OURS = "user_name LIKE 'Person %'"
_AROUND = (
    f"""INSERT INTO session_credentials (session_hash, session_id, number, parent, refresh_hash, why, seen_at)
    SELECT sha256(id::text::bytea), id, 1, 0, sha256(('r' || id)::bytea), 'login', created_at FROM sessions WHERE {_OURS}""",
    f"""INSERT INTO session_places (session_id, address, agent) SELECT id, address, agent FROM sessions WHERE {_OURS}
    UNION ALL SELECT id, address + 77, agent FROM sessions WHERE {_OURS} AND right(id::text, 1) = '0'""",
    f"""INSERT INTO session_flags (session_id, kind, last_address, last_at)
    SELECT id, (ARRAY['two_places', 'other_browser', 'session_use_after_expire'])[1 + get_byte(uuid_send(id), 3) % 3],
      address, created_at FROM sessions WHERE {_OURS} AND get_byte(uuid_send(id), 2) = 0""",
    f"""INSERT INTO audit_log (at, event, site, initiating_entity, actor, user_id, session_id, address, agent)
    SELECT created_at, 'login_success', site, 'user', user_name, user_id, id, address, agent FROM sessions WHERE {_OURS} ORDER BY created_at""",
)


def fill(url: str, count: int) -> None:
    """Write `count` sessions, at least 1,000, with all that goes with them, into a migrated database."""
    with psycopg2.connect(url) as connection, connection.cursor() as run:
        run.execute(
            "SET session_replication_role = replica; SET synchronous_commit = off; SET work_mem = '256MB'"
        )
        run.execute("SET maintenance_work_mem = '512MB'")
        with _without_indexes(run):
            # Whole numbers, and no text from outside.
            run.execute(
                _SESSIONS.replace(":count", str(count)).replace(":crowd", str(min(count // 100, MOST_CROWD)))
            )
            for statement in _AROUND:
                run.execute(statement)
    connection.close()
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as run:
        run.execute("VACUUM (ANALYZE)")
        run.execute("CHECKPOINT")
    connection.close()


@contextmanager
def _without_indexes(run: cursor) -> Iterator[None]:
    """Take away the indexes that serve no constraint, and make them again at the end, which is much faster."""
    run.execute(
        """SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
        WHERE indrelid::regclass::text = ANY (%s) AND NOT indisunique""",
        (list(TABLES),),
    )
    indexes = run.fetchall()
    for name, _ in indexes:
        run.execute(f"DROP INDEX {name}")
    yield
    for _, made in indexes:
        run.execute(made)
