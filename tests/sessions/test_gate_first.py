"""The end of a site or of everyone closes its gate first, however many sessions there are, and counts them later."""

import pytest
from session_fixtures import OWNER
from sqlalchemy import event

from shopforum.sessions import Reason, Scope, jobs
from shopforum.sessions.gate_sweep import STEP

WHY = Reason("admin", "carol@example.com", "incident")

CROWD = """INSERT INTO sessions (site, user_id, user_name, roles, epoch, authenticated_at, absolute_end, idle_end,
    last_seen_at)
  SELECT :site, gen_random_uuid(), 'x', '{}', (SELECT n FROM revocation_counter), now(), now() + interval '1 day', now() + interval '1 hour', now() FROM generate_series(1, :many)"""


@pytest.fixture
def crowd(core):
    """`crowd("store", 20)`: so many live sessions there."""
    return lambda site, many: core.sql(CROWD, site=site, many=many)


def matched(core, revocation_id):
    [row] = core.sql(
        "SELECT matched, marked_at IS NOT NULL AS marked FROM revocations WHERE id = :id", id=revocation_id
    )
    return row["matched"], row["marked"]


def mark_all(core):
    for _ in range(20):
        jobs.run_once(core.sessions)


@pytest.mark.parametrize("scope", [Scope(everyone=True), Scope(site="store")])
def test_nothing_is_counted_before_the_gate_has_closed(core, crowd, scope):
    crowd("store", 20)
    pair, _ = core.log_in()
    story = []
    engine = core.sessions.db.engine
    event.listen(engine, "before_cursor_execute", lambda _c, _k, sql, *_: story.append(sql))
    event.listen(engine, "commit", lambda _: story.append("COMMIT"))
    revocation_id = core.sessions.revoke(scope, WHY, OWNER)
    closed = story.index("COMMIT")
    before = story[:closed]
    assert any("INSERT INTO revocation_gates" in sql for sql in before)
    assert not [sql for sql in before if "FROM sessions" in sql or "count(" in sql]
    assert [sql for sql in story[closed:] if "FROM sessions" in sql], "afterwards they are"
    assert matched(core, revocation_id) == (21, False)
    assert core.resume(pair).session is None
    [row] = core.sql("SELECT detail FROM audit_log WHERE event = 'authn_token_revoked'")
    assert "count" not in row["detail"], "the log says no number that nobody knew"


def test_the_number_grows_as_they_are_marked_until_it_is_exact(core, crowd):
    crowd("store", 2 * STEP + 20)
    revocation_id = core.sessions.revoke(Scope(everyone=True), WHY, OWNER)
    assert matched(core, revocation_id) == (STEP, False)
    mark_all(core)
    assert matched(core, revocation_id) == (2 * STEP + 20, False), "a login may still be committing"
    core.pass_time(61)
    mark_all(core)
    assert matched(core, revocation_id) == (2 * STEP + 20, True)


def test_each_act_counts_its_own_while_an_earlier_one_is_not_marked_yet(core, crowd):
    crowd("store", 2 * STEP + 20)
    crowd("forums", 30)
    first = core.sessions.revoke(Scope(site="store"), WHY, OWNER)
    second = core.sessions.revoke(Scope(everyone=True), WHY, OWNER)
    assert matched(core, second) == (0, False)
    crowd("store", 7)
    third = core.sessions.revoke(Scope(everyone=True), WHY, OWNER)
    mark_all(core)
    assert [matched(core, i)[0] for i in (first, second, third)] == [2 * STEP + 20, 30, 7]
    counted = core.sql("SELECT revocation_id AS id, count(*) AS n FROM sessions GROUP BY revocation_id")
    assert {row["id"]: row["n"] for row in counted} == {first: 2 * STEP + 20, second: 30, third: 7}


def test_a_users_sessions_are_few_and_counted_at_once(core, crowd):
    crowd("store", 20)
    _, outcome = core.log_in()
    core.log_in()
    revocation_id = core.sessions.revoke(Scope(user_id=outcome.session.user_id), WHY, OWNER)
    assert matched(core, revocation_id)[0] == 2
    mark_all(core)
    assert matched(core, revocation_id)[0] == 2


def test_an_act_whose_sessions_cannot_be_marked_in_time_holds_all_the_same(core, crowd):
    crowd("store", 20)
    pair, _ = core.log_in()

    def slow(_connection, _cursor, statement, parameters, *_):
        if "UPDATE sessions" in statement and "FROM revocations" in statement:
            statement = f"SET LOCAL statement_timeout = 50; SELECT pg_sleep(5); {statement}"
        return statement, parameters

    event.listen(core.sessions.db.engine, "before_cursor_execute", slow, retval=True)
    revocation_id = core.sessions.revoke(Scope(everyone=True), WHY, OWNER)
    event.remove(core.sessions.db.engine, "before_cursor_execute", slow)
    assert core.resume(pair).session is None
    assert matched(core, revocation_id) == (0, False)
    mark_all(core)
    assert matched(core, revocation_id)[0] == 21
