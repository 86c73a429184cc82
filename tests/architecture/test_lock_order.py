"""Every act on several sessions locks them in the order of their ids: of two such acts one waits, and none is undone."""

import ast
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from support import Browser, person
from waiting import eventually

import shopforum
from shopforum.account import new_device
from shopforum.core.database import Database, once_more
from shopforum.sessions import Reason, Scope
from shopforum.sessions.audit import Client

WHY = Reason("admin", "a test", "other")
CLIENT = Client()
USER = person("shopper").id


@pytest.fixture
def ids(browser: Callable[..., Browser], sql: Any) -> list[uuid.UUID]:
    """Four sessions of one person, in the order of their ids; a statement that sorts nothing meets them the other way."""
    for n in range(4):
        browser("store", f"192.0.2.{n}").log_in("shopper")
    ids = [row["id"] for row in sql("SELECT id FROM sessions ORDER BY id")]
    for n, session_id in enumerate(reversed(ids)):
        sql("UPDATE sessions SET created_at = now() + :n * interval '1 s' WHERE id = :id", n=n, id=session_id)
        sql("UPDATE sessions SET last_seen_at = created_at WHERE id = :id", id=session_id)
    sql("UPDATE sessions SET new_sign_in = NULL")
    return ids


def _mark_new_device(apps: Any, ids: list[uuid.UUID]) -> None:
    db = apps["store"].services.db
    last = db.only(text("SELECT refresh_token_id AS t FROM sessions WHERE id = :id"), id=ids[-1])["t"]
    with db.transaction() as connection:
        connection.execute(new_device._MARK, {"user_id": USER, "site": "store", "token_id": last})


ACTS: dict[str, Callable[[Any, list[uuid.UUID]], Any]] = {
    "end": lambda a, ids: a["store"].services.sessions.revoke(
        Scope(sessions=tuple(reversed(ids))), WHY, CLIENT
    ),
    "filter": lambda a, ids: a["store"].services.sessions.revoke(
        Scope(sessions=tuple(reversed(ids)), filter_text="x"), WHY, CLIENT
    ),
    "quarantine": lambda a, ids: a["store"].services.sessions.quarantine(list(reversed(ids)), WHY, CLIENT),
    "release": lambda a, ids: a["store"].services.sessions.release(list(reversed(ids)), WHY, CLIENT),
    "new device": _mark_new_device,
}


@pytest.mark.parametrize("name", ACTS)
def test_an_act_that_waits_for_the_first_session_holds_no_later_one(
    apps: Any, ids: list[uuid.UUID], database_url: str, sql: Any, name: str
) -> None:
    if name == "release":
        sql("UPDATE sessions SET quarantined_at = now(), quarantine_reason = 'other'")
    with closing(psycopg2.connect(database_url)) as blocker, blocker.cursor() as cursor:
        cursor.execute("SELECT 1 FROM sessions WHERE id = %s FOR UPDATE", (str(ids[0]),))
        act = threading.Thread(target=ACTS[name], args=(apps, ids))
        act.start()
        try:
            eventually(
                lambda: sql(
                    """SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"""
                )
            )
            free = sql(
                "SELECT id FROM sessions WHERE id <> :id ORDER BY id FOR UPDATE SKIP LOCKED", id=ids[0]
            )
            assert [row["id"] for row in free] == ids[1:]
        finally:
            blocker.rollback()
            act.join(10)


def test_every_statement_that_changes_sessions_locks_one_or_sorts_them() -> None:
    one = re.compile(r"WHERE (\w\.)?id = :|t\.id = m\.id")
    several = re.compile(r"ORDER BY s\.id FOR UPDATE|FOR UPDATE OF s SKIP LOCKED")
    found = 0
    for statement in _texts():
        if re.search(r"UPDATE sessions\b", statement):
            found += 1
            assert one.search(statement) or several.search(statement), statement
        for lock in re.findall(r"FROM sessions\b(?:(?!\)).)*?FOR UPDATE[^\n)]*", statement, re.DOTALL):
            assert "SKIP LOCKED" in lock or re.search(r"ORDER BY (s\.)?id FOR UPDATE", lock), statement
    assert found > 10


def _texts() -> Iterator[str]:
    """Every text in the code of production, with what is put into it left out."""
    root = Path(shopforum.__file__).parent
    for path in root.rglob("*.py"):
        if "dev" in path.relative_to(root).parts:
            continue
        nodes = list(ast.walk(ast.parse(path.read_text())))
        joined = [node for node in nodes if isinstance(node, ast.JoinedStr)]
        parts = {id(part) for node in joined for part in node.values}
        for node in joined:
            yield "".join(part.value for part in node.values if isinstance(part, ast.Constant))
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
                yield node.value


def test_every_transaction_is_tried_once_more() -> None:
    for path in Path(shopforum.__file__).parent.rglob("*.py"):
        if path.name in ("read_only_database.py", "database.py") or "dev" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and ".transaction() as" in ast.unparse(node):
                assert any("once_more" in ast.unparse(decorator) for decorator in node.decorator_list), (
                    f"{path}: {node.name}"
                )


@pytest.mark.parametrize("state", ["40P01", "40001"])
def test_an_act_that_was_undone_for_another_is_tried_once_more(apps: Any, state: str) -> None:
    db: Database = apps["store"].services.db
    db.all(text("CREATE SEQUENCE tries"))
    failing = f"""DO $$ BEGIN IF nextval('tries') <= %s THEN RAISE SQLSTATE '{state}'; END IF; END $$"""

    @once_more
    def act(times: int) -> str:
        with db.transaction() as connection:
            connection.execute(text(failing % times))
            return "done"

    try:
        assert act(1) == "done"
        db.all(text("ALTER SEQUENCE tries RESTART"))
        db.all(text(failing % 1))
        db.all(text("ALTER SEQUENCE tries RESTART"))
        with pytest.raises(DBAPIError):
            act(2)
        assert db.only(text("SELECT last_value AS n FROM tries"))["n"] == 2
    finally:
        db.all(text("DROP SEQUENCE tries"))


def test_a_real_deadlock_costs_nothing(apps: Any, ids: list[uuid.UUID]) -> None:
    db: Database = apps["store"].services.db
    both = threading.Barrier(2)
    tries: list[int] = []
    lock = text("SELECT 1 FROM sessions WHERE id = :id FOR UPDATE")

    @once_more
    def act(first: uuid.UUID, second: uuid.UUID) -> None:
        tries.append(1)
        with db.transaction() as connection:
            connection.execute(lock, {"id": first})
            if len(tries) <= 2:
                both.wait(5)
            connection.execute(lock, {"id": second})

    threads = [threading.Thread(target=act, args=pair) for pair in (ids[:2], ids[1::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(tries) == 3


def test_logins_with_new_devices_and_revocations_leave_each_other_alone(
    apps: Any, browser: Callable[..., Browser], ids: list[uuid.UUID], sql: Any
) -> None:
    """Each login marks all sessions of the person while an admin ends them in the other order."""
    sessions = apps["store"].services.sessions
    before = sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")[0]["deadlocks"]
    failed: list[DBAPIError] = []

    def mark() -> None:
        try:
            for _ in range(40):
                _mark_new_device(apps, ids)
        except DBAPIError as error:
            failed.append(error)

    def hold() -> None:
        try:
            for _ in range(20):
                sessions.quarantine(list(ids[:3]), WHY, CLIENT)
                sessions.release(list(ids[:3]), WHY, CLIENT)
        except DBAPIError as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for work in (mark, hold, mark)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    sql("SELECT pg_stat_clear_snapshot()")
    after = sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")[0]["deadlocks"]
    assert (failed, after - before) == ([], 0)
