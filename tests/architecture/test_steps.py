"""Each job takes no more rows at a time than it says, whatever plan the server makes of its statement.

A subquery with LIMIT and FOR UPDATE that the plan runs again for each row takes the next rows each time.
"""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import purged_rows
import pytest
from session_fixtures import Provider
from sqlalchemy import event, text

import shopforum
from shopforum.cli import worker
from shopforum.core import purge
from shopforum.core.database import Database
from shopforum.core.engine import create_engine
from shopforum.core.purge import Purge
from shopforum.mail import outgoing as mail
from shopforum.sessions import audit_chain, gate_sweep, outbox
from shopforum.sessions.keyring import AuditKey
from shopforum.sessions.revocation import Scope

# The nested loop is left, which asks its inner side again for each row of the outer one.
_OFF = ("hashjoin", "mergejoin", "hashagg", "material", "memoize", "sort", "bitmapscan", "tidscan")
_AT_ONCE = 2


@pytest.fixture(params=["as planned", "row by row"])
def database(request: pytest.FixtureRequest, database_url: str, clean: None) -> Iterator[Database]:
    """Five rows for each job, and five to be left, on connections whose plans ask a subquery for each row."""
    engine = create_engine(database_url, 2)

    def nested_loops(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            for name in _OFF:
                cursor.execute(f"SET enable_{name} = off")
        connection.commit()

    if request.param == "row by row":
        event.listen(engine, "connect", nested_loops)
    database = Database(engine)
    with database.transaction() as connection:
        purged_rows.fill(connection, old=5, fresh=5)
    yield database
    engine.dispose()


class _Hub:
    def __init__(self, db: Database) -> None:
        self.db, self.authority = db, Provider()


def _mark(database: Database) -> int:
    revocation_id = uuid.uuid4()
    database.all(
        text(
            """INSERT INTO revocations (id, scope, initiating_entity, actor, reason_code, matched, epoch)
            VALUES (:id, 'everyone', 'admin', 'Ann', 'other', 0, 1)"""
        ),
        id=revocation_id,
    )
    database.all(
        text(
            "INSERT INTO revocation_gates (key, epoch, revocation_id) VALUES ('everyone', 1, :id) ON CONFLICT DO NOTHING"
        ),
        id=revocation_id,
    )
    return gate_sweep.mark(database, revocation_id, Scope(everyone=True))


def _rows(database: Database, table: str) -> int:
    return int(database.only(text(f"SELECT count(*) AS n FROM {table}"))["n"])


@pytest.mark.parametrize("one", worker.PURGES, ids=lambda one: one.table)
def test_a_purge_deletes_as_many_as_it_says(database: Database, one: Purge) -> None:
    before = _rows(database, one.table)
    for left in (3, 1, 0, 0):
        purge.run([one], database, _AT_ONCE)
        assert before - _rows(database, one.table) == 5 - left


def test_every_purge_deletes_as_many_as_it_says_beside_the_others(database: Database) -> None:
    assert purge.run(worker.PURGES, database, _AT_ONCE) == _AT_ONCE * len(worker.PURGES)


def test_old_mail_is_dropped_as_many_as_it_says(database: Database) -> None:
    before = _rows(database, "outgoing_mail")
    for left in (3, 1, 0, 0):
        mail.drop_old(database, _AT_ONCE)
        assert before - _rows(database, "outgoing_mail") == 5 - left


def test_the_outbox_claims_as_many_as_it_says(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = _Hub(database)
    told = []
    for _ in range(4):
        outbox.deliver(database, hub.authority, step=_AT_ONCE)
        told.append(len(hub.authority.revoked))
    assert told == [2, 4, 5, 5]


def test_mail_claims_one_letter_at_a_time(database: Database) -> None:
    assert [len(mail._QUEUE.claim(database, 1)) for _ in range(6)] == [1, 1, 1, 1, 1, 0]


def test_marking_takes_as_many_as_it_says(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_sweep, "STEP", _AT_ONCE)
    assert [_mark(database) for _ in range(4)] == [2, 2, 1, 0]


def test_the_sealer_takes_as_many_as_it_says(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_chain, "STEP", _AT_ONCE)
    heads = [audit_chain.seal(database, AuditKey("11111111", b"k" * 32)) for _ in range(4)]
    assert [head and head.seq for head in heads] == [7, 9, 10, None]


def test_no_statement_takes_its_rows_in_a_subquery_that_may_run_again() -> None:
    again = re.compile(r"\bIN\s*\(\s*SELECT\b(?:(?!\"\"\").)*?\bFOR UPDATE", re.DOTALL)
    claims = re.compile(r"\bAS \(\s*SELECT\b(?:(?!\n\)).)*?LIMIT(?:(?!\n\)).)*?FOR UPDATE", re.DOTALL)
    for path in Path(shopforum.__file__).parent.rglob("*.py"):
        source = path.read_text()
        if path.name != "purge.py":
            assert not again.search(source), path
        assert not claims.search(source), path
