"""Rows about revocations are deleted when no session is left that it could concern, and no session comes back."""

import pytest
from session_fixtures import OWNER

from shopforum.core import purge
from shopforum.sessions import Reason, Scope, jobs

WHY = Reason("admin", "carol@example.com", "incident")


@pytest.fixture
def past(core):
    """`past(40)`: so many days go by."""

    return lambda days: core.pass_time(days * 86400)


def left(core):
    purge.run(jobs.PURGES, core.sessions.db)
    tables = ("sessions", "revocation_gates", "revocation_outbox", "revocations")
    return tuple(core.sql(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in tables)


def close(core, pair):
    """Close the gate of a session's user, told to the provider, and return the session unmarked, as before the sweep."""
    core.sessions.revoke(Scope(user_id=core.users["ann"], site="store"), WHY, OWNER)
    core.sql("UPDATE sessions SET ended_at = NULL, end_reason = NULL, revocation_id = NULL")
    core.sql("UPDATE revocations SET marked_at = clock_timestamp()")
    assert core.resume(pair).session is None


def test_a_gate_stays_while_a_session_behind_it_could_come_back(core, past):
    pair, _ = core.log_in("ann")
    close(core, pair)
    past(380)
    # As on a site whose sessions may last longer.
    core.age("sessions.absolute_end", -359 * 86400)
    assert left(core) == (1, 1, 1, 1)
    assert core.resume(pair).session is None
    past(38)
    assert left(core) == (1, 1, 1, 1), "its row is there to tell why it ended"
    past(2)
    assert left(core) == (0, 0, 0, 0)


def test_a_gate_goes_when_the_sessions_behind_it_are_marked_and_the_receipt_with_them(core, past):
    pair, _ = core.log_in("ann")
    core.sessions.revoke(Scope(user_id=core.users["ann"], site="store"), WHY, OWNER)
    core.sql("UPDATE revocations SET marked_at = clock_timestamp()")
    past(30)
    newer, _ = core.log_in("ann")
    assert left(core) == (2, 1, 1, 1), "a login that began before it may still be on its way"
    past(2)
    assert left(core) == (2, 0, 1, 1)
    assert core.resume(pair).session is None
    assert core.resume(newer).session is not None


def test_a_receipt_stays_until_the_provider_has_confirmed_and_its_sessions_are_marked(core, past):
    core.users["ann"] = core.sql("SELECT gen_random_uuid() AS id")[0]["id"]
    core.sessions.revoke(Scope(user_id=core.users["ann"], site="store"), WHY, OWNER)
    core.sql("UPDATE revocations SET marked_at = clock_timestamp()")
    core.sql("UPDATE revocation_outbox SET done_at = NULL")
    past(100)
    assert left(core) == (0, 0, 1, 1)
    core.sql("UPDATE revocation_outbox SET done_at = now()")
    core.sql("UPDATE revocations SET marked_at = NULL")
    past(100)
    assert left(core) == (0, 0, 0, 1)
    core.sql("UPDATE revocations SET marked_at = now()")
    assert left(core) == (0, 0, 0, 0)
