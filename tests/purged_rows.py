"""Rows that the worker's jobs look for, beside as many that they leave alone."""

from typing import Any

from sqlalchemy import Connection, text

# `:age` is far longer than anything is kept, or nothing at all.
_ROWS = [
    """INSERT INTO sessions (site, user_id, user_name, user_email, roles, refresh_token_id, authenticated_at, absolute_end, idle_end, last_seen_at, created_at)
    SELECT 'store', gen_random_uuid(), 'Ann ' || n, 'ann' || n || '@harbour.example', '{shopper}', gen_random_uuid(), at,
      at + interval '30 days', at + interval '30 minutes', at, at
    FROM generate_series(1, :rows) n, LATERAL (SELECT now() - CAST(:age AS interval) - n * interval '1 s' AS at) o""",
    # Of the session that is purged last: it would take them along.
    """INSERT INTO session_challenges (hash, session_id, purpose, expires_at)
    SELECT sha256((:age || n)::bytea), s.id, 'renewal', now() + (CASE WHEN :age = '0' THEN interval '1 hour' ELSE interval '-1 hour' END)
    FROM generate_series(1, :rows) n, (SELECT id FROM sessions ORDER BY absolute_end DESC LIMIT 1) s""",
    """INSERT INTO session_bound_cookies (hash, session_id, expires_at)
    SELECT sha256((:age || n)::bytea), s.id, now() + (CASE WHEN :age = '0' THEN interval '1 hour' ELSE interval '-1 hour' END)
    FROM generate_series(1, :rows) n, (SELECT id FROM sessions ORDER BY absolute_end DESC LIMIT 1) s""",
    """INSERT INTO session_acts (session_id, user_id, site, kind, expires_at)
    SELECT gen_random_uuid(), gen_random_uuid(), 'store', 'order_placed',
      now() + (CASE WHEN :age = '0' THEN interval '1 hour' ELSE interval '-1 hour' END)
    FROM generate_series(1, :rows) n""",
    """INSERT INTO canaries (minute, site, epoch, absolute_end)
    SELECT date_trunc('minute', now()) + interval '1 minute' - n * interval '1 microsecond' - CAST(:age AS interval), 'store', 0, now()
    FROM generate_series(1, :rows) n""",
    """INSERT INTO canary_times (at, place) SELECT now() - CAST(:age AS interval), 'node' || n FROM generate_series(1, :rows) n""",
    """INSERT INTO carts (guest_hash, changed_at) SELECT sha256((:age || n)::bytea), now() - CAST(:age AS interval)
    FROM generate_series(1, :rows) n""",
    """INSERT INTO carts (user_id, changed_at) SELECT gen_random_uuid(), now() - CAST(:age AS interval)
    FROM generate_series(1, :rows) n""",
    """INSERT INTO products (slug, name, category, summary, description, price_minor, tax_rate, stock)
    VALUES ('mug' || :age, 'Mug', 'kitchen', '', '', 100, 19, 5)""",
    """INSERT INTO cart_lines (cart_id, product_id, quantity, price_minor, removed_at)
    SELECT c.id, p.id, 1, 100, CASE WHEN :age <> '0' THEN now() - CAST(:age AS interval) END
    FROM carts c JOIN products p ON p.slug = 'mug' || :age
    WHERE c.user_id IS NOT NULL AND NOT EXISTS (SELECT FROM cart_lines l WHERE l.cart_id = c.id)""",
    """INSERT INTO restock_notices (product_id, user_id, email, created_at)
    SELECT p.id, gen_random_uuid(), 'ann@harbour.example', now() - CAST(:age AS interval)
    FROM generate_series(1, :rows) n, products p WHERE p.slug = 'mug' || :age""",
    """INSERT INTO orders (number, name, street, postal_code, city, country, subtotal_minor, shipping_minor, total_minor, tax_minor)
    VALUES ('H-' || :age, '', '', '', '', 'DE', 1, 0, 1, '[]')""",
    """INSERT INTO order_links (hash, key_id, order_id, mailed, expires_at)
    SELECT sha256((:age || n)::bytea), '', o.id, true, now() + (CASE WHEN :age = '0' THEN interval '1 hour' ELSE interval '-1 hour' END)
    FROM generate_series(1, :rows) n, orders o WHERE o.number = 'H-' || :age""",
    """INSERT INTO forum_categories (slug, name, position) VALUES ('c' || :age, 'C', 1)""",
    """INSERT INTO forum_topics (category_id, title, author_id, author_name)
    SELECT id, 'T', gen_random_uuid(), 'Ann' FROM forum_categories WHERE slug = 'c' || :age""",
    """INSERT INTO forum_inbox (user_id, kind, topic_id, actor_name, created_at)
    SELECT gen_random_uuid(), 'moderation', (SELECT max(id) FROM forum_topics), 'Bob', now() - CAST(:age AS interval)
    FROM generate_series(1, :rows) n""",
    """INSERT INTO forum_letters (user_id, email, every, next_at, last_id)
    SELECT gen_random_uuid(), 'ann@harbour.example', 'day', now() + (CASE WHEN :age = '0' THEN interval '1 hour' ELSE interval '0' END), 0
    FROM generate_series(1, :rows) n""",
    """INSERT INTO api_tokens (hash, name, scopes, created_by, expires_at)
    VALUES (sha256(:age::bytea), 'T', '{x}', 'Ann', now() + interval '1 year')""",
    """INSERT INTO api_replays (token_id, key_hash, body_hash, request_id, created_at, claimed_until)
    SELECT id, sha256((:age || n)::bytea), '', '', now() - CAST(:age AS interval), now() FROM generate_series(1, :rows) n,
      (SELECT id FROM api_tokens WHERE hash = sha256(:age::bytea)) t""",
    """INSERT INTO api_rates (key, level, at) SELECT :age || n, 1, now() - CAST(:age AS interval)
    FROM generate_series(1, :rows) n""",
    """INSERT INTO login_failures (key, failures, last_at, blocked_until)
    SELECT sha256((:age || n)::bytea), 1, now() - CAST(:age AS interval), now() FROM generate_series(1, :rows) n""",
    """INSERT INTO kept_forms (key, site, user_id, path, fields, created_at)
    SELECT sha256((:age || n)::bytea), 'store', gen_random_uuid(), '/', '[]', now() - CAST(:age AS interval)
    FROM generate_series(1, :rows) n""",
    """INSERT INTO login_devices (device, account, last_at)
    SELECT sha256((:age || n)::bytea), '', now() - CAST(:age AS interval) FROM generate_series(1, :rows) n""",
    """INSERT INTO webhook_events (id, type, taken_at) SELECT gen_random_uuid(), 'x', now() - CAST(:age AS interval)
    FROM generate_series(1, :rows) n""",
    """INSERT INTO new_sign_ins (session_id, user_id, site, created_at)
    SELECT gen_random_uuid(), gen_random_uuid(), 'store', now() - CAST(:age AS interval)
    FROM generate_series(1, :rows) n""",
    """INSERT INTO account_deletions (user_id, site, user_name, user_email, due_at, next_try_at, done_at)
    SELECT gen_random_uuid(), 'store', '', '', at, at, CASE WHEN :age <> '0' THEN at END
    FROM generate_series(1, :rows) n, LATERAL (SELECT now() + interval '1 hour' - CAST(:age AS interval) AS at) o""",
    """INSERT INTO outgoing_mail (recipient, subject, plain, html, created_at, next_try_at)
    SELECT 'ann@harbour.example', 'S', 'P', 'H', now() - CAST(:age AS interval),
      now() + (CASE WHEN :age = '0' THEN interval '1 hour' ELSE interval '0' END) FROM generate_series(1, :rows) n""",
    """INSERT INTO revocations (created_at, scope, initiating_entity, actor, reason_code, matched, marked_at)
    SELECT now() - CAST(:age AS interval) - interval '1 hour', 'session', 'admin', 'Ann', 'other', 1, now()
    FROM generate_series(1, :rows) n""",
    """INSERT INTO revocation_outbox (revocation_id, site, refresh_token_id, done_at)
    SELECT id, 'store', gen_random_uuid(), CASE WHEN :age = '0' THEN now() END FROM revocations
    WHERE created_at < now() - CAST(:age AS interval) AND reason_code = 'other'
      AND NOT EXISTS (SELECT FROM revocation_outbox o WHERE o.revocation_id = revocations.id)""",
    """INSERT INTO revocations (created_at, scope, initiating_entity, actor, reason_code, matched, marked_at)
    SELECT now() - CAST(:age AS interval) - interval '4 days', 'session', 'user', 'Ann', 'logout', 1, now()
    FROM generate_series(1, :rows) n""",
    """WITH closed AS (
      INSERT INTO revocations (created_at, scope, user_id, initiating_entity, actor, reason_code, matched, marked_at, epoch)
      SELECT now() - CAST(:age AS interval) - interval '3 days' + n * interval '1 second', 'user', gen_random_uuid(), 'user', 'Ann', 'other', 1, now(),
        (SELECT coalesce(max(epoch), 0) FROM revocation_gates) + n
      FROM generate_series(1, :rows) n RETURNING id, user_id, epoch, created_at
    ), told AS (
      INSERT INTO revocation_outbox (revocation_id, site, user_id, done_at)
      SELECT id, 'store', user_id, created_at FROM closed
    )
    INSERT INTO revocation_gates (key, epoch, revocation_id) SELECT 'user:' || user_id, epoch, id FROM closed""",
    """INSERT INTO audit_log (event, site, initiating_entity, at, seq) SELECT 'session_created', 'store', 'user',
      now() - CAST(:age AS interval), CASE WHEN :age <> '0' THEN (SELECT seq FROM audit_head) + n END
    FROM generate_series(1, :rows) n""",
    """UPDATE audit_head SET seq = (SELECT coalesce(max(seq), 0) FROM audit_log)""",
    """INSERT INTO refused_requests (session_id, site, why, at)
    SELECT gen_random_uuid(), 'store', 'expired', now() - CAST(:age AS interval) FROM generate_series(1, :rows) n""",
    """INSERT INTO drift_checks (created_at, actor, ended_at) SELECT at, '', at
    FROM generate_series(1, :rows) n, LATERAL (SELECT now() - CAST(:age AS interval) AS at) o""",
    """INSERT INTO approvals (created_at, expires_at, kind, target, sessions, matched, people, exact, digest, actor, agent,
      request_id, reason_code, reason_admin, reason_user)
    SELECT at, at + interval '1 hour', 'revoke', '{}', '{}', 0, 0, true, :age || ' ' || n, 'Ann', '', '', 'other', '', ''
    FROM generate_series(1, :rows) n, LATERAL (SELECT now() - CAST(:age AS interval) AS at) o""",
    """INSERT INTO processes (id, kind, host, pid, seen_at)
    SELECT gen_random_uuid(), 'web', 'one', 1, now() - CAST(:age AS interval) FROM generate_series(1, :rows) n""",
]


def fill(connection: Connection, *, old: int, fresh: int) -> None:
    """Write `old` rows that every purge takes and `fresh` ones that none does, of each kind."""
    # Rows of the audit log with a time and a number of their own.
    connection.execute(text("SET session_replication_role = replica"))
    for age, rows in (("500 days", old), ("0", fresh)):
        for statement in _ROWS:
            values: dict[str, Any] = {"age": age, "rows": rows}
            names = [name for name in values if f":{name}" in statement]
            connection.execute(
                text(statement.replace(":age::", "CAST(:age AS text)::")), {n: values[n] for n in names}
            )
    connection.execute(text("RESET session_replication_role"))
