"""No job of the worker reads a table from end to end, and no foreign key is without an index.

A table grows for years, and a job runs every second: what it reads may not grow with what it leaves alone.
"""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import purged_rows
import pytest
from sqlalchemy import event, text

import shopforum
from shopforum.cli import worker as command
from shopforum.dev import postgres
from shopforum.sessions import jobs
from shopforum.sessions.audit import Client
from shopforum.sessions.keyring import new_session_id
from shopforum.sessions.model import Pair
from shopforum.store import cart as carts
from shopforum.store import merging
from shopforum.store.cart import Owner

# Sessions, carts, mail and whatever else grows: far more than a job takes at a time.
_OLD, _FRESH = 3000, 12000
# More rows than a step takes, fewer than any table has.
_MOST_FOR_NOTHING = 1000

_WITHOUT_INDEX = text(
    """SELECT k.conrelid::regclass || '.' || a.attname AS column_name FROM pg_constraint k
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
    WHERE k.contype = 'f' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indisvalid
      AND i.indpred IS NULL AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)"""
)


def test_every_foreign_key_has_an_index_of_all_rows(apps: dict[str, Any]) -> None:
    """Without one a row that is deleted there is looked for in all of the table here; a partial one does not serve."""
    assert apps["store"].services.db.all(_WITHOUT_INDEX) == []


@pytest.fixture(scope="module")
def services(
    server: postgres.Server,
    database_url: str,
    settings: Callable[[str], dict[str, str]],
    worker_id: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Any]:
    """The store over a database in which every table has thousands of rows."""
    name = f"test_jobs_{worker_id}"
    more = {
        "database.url": server.create(name, template="template_shopforum"),
        "mail.folder": str(tmp_path_factory.mktemp("mail")),
        "webhooks.out": "siem",
        # Nothing listens there; it is told of nothing that happens here.
        "webhooks.siem.url": "https://127.0.0.1:9/",
        "webhooks.siem.secret": "whsec_bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5u",
        "webhooks.siem.events": "session_logout",
    }
    services = shopforum.main({}, **settings("store") | more).services
    with services.db.transaction() as connection:
        purged_rows.fill(connection, old=_OLD, fresh=_FRESH)
        connection.execute(
            text(
                """INSERT INTO webhook_endpoints (name, seq, since) VALUES ('siem', 0, 0);
                INSERT INTO revocations (scope, site, user_id, initiating_entity, actor, reason_code, matched, epoch)
                SELECT scope, site, user_id, 'admin', 'Ann', 'other', 0, 1 FROM (VALUES ('everyone', NULL, NULL),
                  ('site', 'store', NULL), ('site', 'admin', NULL), ('user', NULL, gen_random_uuid()))
                  v (scope, site, user_id);
                UPDATE revocations SET created_at = created_at - interval '2 minutes' WHERE marked_at IS NULL;
                INSERT INTO revocation_gates (key, epoch, revocation_id)
                SELECT CASE scope WHEN 'everyone' THEN scope WHEN 'site' THEN 'site:' || site ELSE 'user:' || user_id END,
                  0, id FROM revocations WHERE marked_at IS NULL"""
            )
        )
    services.db.all(text("VACUUM ANALYZE"))
    yield services
    services.db.engine.dispose()
    server.drop(name)


JOBS: dict[str, Callable[[Any], Any]] = {
    "revocations": lambda r: jobs.run_once(r.sessions),
    "sealing": lambda r: jobs.seal(r.sessions),
    "tidying": lambda r: command._tidy(r.db),
    "store letters": command._store_letters,
    "forum letters": command._forum_letters,
    "mail": command._send_mail,
    "webhooks": command._send_webhooks,
}


# `idp` forgets the calls of the jobs when a test ends.
@pytest.mark.usefixtures("idp")
@pytest.mark.parametrize("name", JOBS)
def test_no_job_reads_a_whole_table(services: Any, name: str) -> None:
    _check(services, JOBS[name])


PAGES: dict[str, Callable[[Any], Any]] = {
    "session": lambda r: r.sessions.resume(
        Pair(new_session_id(), "r" * 40), Client(None, "Firefox", "request-1")
    ),
    "user's cart": lambda r: carts.load(r.db, Owner(user_id=uuid.uuid4())),
    "guest's cart": lambda r: carts.load(r.db, Owner(guest_hashes=(b"g" * 32,))),
    "merging": lambda r: merging.merge(r.db, (b"g" * 32,), uuid.uuid4()),
}


@pytest.mark.parametrize("name", PAGES)
def test_no_statement_of_every_page_reads_a_whole_table(services: Any, name: str) -> None:
    """Its plan is kept for any values, and so has to be good for all of them."""
    _check(services, PAGES[name])


def _check(services: Any, job: Callable[[Any], Any]) -> None:
    run: dict[str, Any] = {}

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        if not statement.startswith("PREPARE "):
            run.setdefault(statement, values[0] if isinstance(values, list) else values)

    # A job with threads of its own leaves several connections, of which only one has a statement prepared.
    services.db.engine.dispose()
    event.listen(services.db.engine, "before_cursor_execute", note)
    try:
        job(services)
    finally:
        event.remove(services.db.engine, "before_cursor_execute", note)
    assert run
    for statement, values in run.items():
        assert list(_wasteful(_explained(services, statement, values))) == [], statement


def _explained(services: Any, statement: str, values: Any) -> Any:
    """The plan as it went, of a statement that is then undone."""
    with services.db.engine.connect() as connection:
        driver = connection.connection.driver_connection
        with driver.cursor() as cursor:
            cursor.execute("BEGIN")
            try:
                cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, BUFFERS OFF, FORMAT JSON) {statement}", values)
                (plan,) = cursor.fetchone()
            finally:
                cursor.execute("ROLLBACK")
    return plan


def _wasteful(node: Any) -> Iterator[str]:
    """The tables that a plan reads from end to end, or most of them for nothing."""
    if isinstance(node, list):
        for part in node:
            yield from _wasteful(part)
    elif isinstance(node, dict):
        scanned = "Scan" in node.get("Node Type", "") and "Relation Name" in node
        thrown_away = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        if (
            scanned and (thrown_away > _MOST_FOR_NOTHING or node.get("Actual Rows", 0) > _MOST_FOR_NOTHING)
        ) or (node.get("Node Type") == "Seq Scan" and node["Plan Rows"] > _MOST_FOR_NOTHING):
            yield f"{node['Relation Name']}: {node}"
        for part in node.values():
            yield from _wasteful(part)
