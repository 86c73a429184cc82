"""Bound sessions, by the session core alone: once bound, a session is used with its key or not at all."""

from typing import Any

import pytest
from device_client import HERE, LIFE, Bound, Device, over
from session_fixtures import OWNER, THIEF, together
from sqlalchemy import event

from shopforum.sessions.binding import Skipped
from shopforum.sessions.model import Outcome, Pair
from shopforum.sessions.vocabulary import SkipReason


def test_a_bound_session_is_served_with_its_cookie(core, bound):
    assert bound.resume().session.id == bound.id
    assert core.events() == ["session_created", "session_bound"]
    [row] = core.sql("SELECT detail FROM audit_log WHERE event = 'session_bound'")
    assert set(row["detail"]) == {"algorithm", "key"}
    stored = {value for table in ("session_keys", "session_bound_cookies", "session_challenges", "audit_log")
              for row in core.sql(f"SELECT * FROM {table}") for value in map(str, row.values())}  # fmt: skip
    for secret in (bound.cookie, bound.next, bound.login.challenge, bound.pair.session_id):
        assert not [value for value in stored if secret in value]


@pytest.mark.parametrize("due", ["nothing", "a touch", "a successor", "a refresh", "another place"])
def test_without_the_cookie_nothing_is_served_extended_refreshed_or_rotated(core, bound, due):
    if due == "a touch":
        core.pass_time(300)
    if due == "a successor":
        core.make_rotation_due()
    if due == "a refresh":
        core.let_idle()
    before = core.rows()
    for n in range(1, 6):
        outcome = core.resume(bound.pair, THIEF if due == "another place" else OWNER)
        assert (outcome.session, outcome.issue, outcome.ended) == (None, None, "without_key")
        assert (outcome.withheld_session, outcome.spent) == (bound.id, False)
        assert core.flags() == {"session_used_without_key": n}
    assert core.rows() == before
    assert core.provider.refreshes == []
    assert core.events().count("session_used_without_key") == 3
    # And the owner notices nothing.
    assert bound.resume().session is not None


def test_the_cookie_ends_by_the_server_s_clock(core, bound):
    core.pass_time(LIFE - 1)
    assert bound.resume().session is not None
    core.pass_time(7)
    assert bound.resume().ended == "without_key"


def test_a_bound_cookie_counts_only_beside_the_pair_of_its_own_session(core, bound):
    other = Bound(core, "ann")
    unbound, _ = core.log_in("ann")
    mixed = Pair(bound.pair.session_id, bound.pair.refresh_token, other.cookie)
    assert core.resume(mixed).ended == "without_key"
    assert core.resume(Pair(None, None, bound.cookie)) == Outcome()
    assert core.resume(Pair(bound.pair.session_id, None, bound.cookie)).session is None
    assert core.resume(Pair(None, bound.pair.refresh_token, bound.cookie)).session is None
    assert core.resume(Pair(unbound.session_id, unbound.refresh_token, other.cookie)).session is not None


@pytest.mark.parametrize("one_time", [False, True], ids=["reusable", "one-time"])
def test_a_day_later_the_cookie_is_renewed_and_then_the_session_refreshed(core, bound, one_time):
    core.provider.one_time = one_time
    core.pass_time(86400)
    assert bound.resume().ended == "without_key"
    assert core.provider.refreshes == []
    assert bound.renew().cookie
    # The answer to the first refresh gets lost, and the browser sends the older cookies again.
    before = bound.pair
    outcome = bound.resume()
    assert (outcome.session.id, len(core.provider.refreshes)) == (bound.id, 1)
    bound.pair = before
    assert bound.resume().session.id == bound.id
    # A refreshed session keeps its key: the new pair is worth nothing without it.
    assert (outcome.issue.refresh_token != before.refresh_token) == one_time
    assert core.resume(outcome.issue).ended == "without_key"
    bound.pair = outcome.issue
    assert bound.resume().session.id == bound.id


def test_a_rotated_pair_keeps_the_key(core, bound):
    core.make_rotation_due()
    successor = bound.resume().issue
    assert core.resume(successor).ended == "without_key"
    assert bound.resume().session is not None
    assert core.sql("SELECT head FROM sessions") == [{"head": 2}]


def test_a_spent_pair_without_its_key_ends_nothing(core, bound):
    """A copied jar shows that it was copied; the browser's session goes on."""
    old = bound.pair
    core.make_rotation_due()
    bound.resume()
    bound.resume()
    core.pass_grace()
    assert core.resume(old, THIEF).ended == "without_key"
    assert bound.resume().session is not None
    # With the cookie there are two holders, and the session ends as any other does.
    assert core.resume(Pair(old.session_id, old.refresh_token, bound.cookie), THIEF).ended == "replayed"


def test_its_owner_can_end_it_without_the_key(core, bound):
    session = core.resume(bound.pair, touch=False, end=True).session
    assert session.id == bound.id
    core.sessions.logout(session, OWNER)
    assert bound.resume().ended == "logout"
    # A page that only says who is signed in shows nothing.
    other = Bound(core, "bob")
    assert core.resume(other.pair, touch=False, refresh=False).session is None


def test_a_whole_jar_is_good_until_its_bound_cookie_ends(core, bound):
    jar = bound.jar()
    assert core.resume(jar, THIEF).session is not None
    challenge = core.sessions.renew_bound_cookie(
        bound.answer.identifier, bound.pair, None, HERE, THIEF
    ).challenge
    proof = Device().renewal(challenge)
    assert over(core.sessions.renew_bound_cookie(bound.answer.identifier, bound.pair, proof, HERE, THIEF))
    core.pass_time(LIFE + 6)
    bound.renew()
    assert core.resume(jar, THIEF).ended == "without_key"
    assert bound.resume().session is not None


@pytest.mark.parametrize("reason", SkipReason)
def test_why_the_browser_did_not_renew_is_kept_and_prevents_nothing(core, bound, reason):
    answer = core.resume(
        bound.pair, skipped=[Skipped(SkipReason.UNREACHABLE, "SID"), Skipped(reason, bound.answer.identifier)]
    )
    assert answer.session is None
    assert answer.ended.startswith("without_key_")
    [row] = core.sql("SELECT skipped_reason, skipped_at FROM session_keys")
    assert row["skipped_reason"] == reason
    assert row["skipped_at"]


def test_a_thief_s_reason_is_not_kept(core, bound):
    other = Bound(core, "bob")
    for name in ("SID", str(bound.id), other.answer.identifier):
        answer = core.resume(bound.pair, THIEF, skipped=[Skipped(SkipReason.SERVER_ERROR, name)])
        assert answer.ended == "without_key"
    assert {row["skipped_reason"] for row in core.sql("SELECT skipped_reason FROM session_keys")} == {None}


def test_off_offers_nothing_and_frees_no_bound_session(core, core_of):
    bound = Bound(core)
    off = core_of(**{"sessions.binding": "off"})
    off.users = core.users
    pair, login = off.log_in("bob")
    assert login.challenge is None
    assert core.sql("SELECT bindable_until FROM sessions WHERE id = :id", id=login.session.id) == [
        {"bindable_until": None}
    ]
    assert off.resume(bound.pair).ended == "without_key"
    bound.core = off
    assert bound.renew().cookie
    assert bound.resume().session is not None
    ready, late = core.log_in("eve")
    assert over(off.sessions.bind(ready, Device().registration(late.challenge), HERE, OWNER))
    assert off.resume(pair).session is not None


def test_a_login_costs_the_same_statements_offered_or_not(core, core_of):
    off = core_of(**{"sessions.binding": "off"})
    counted = []
    for one in (core, off):
        statements: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any, into: Any = statements) -> None:
            into.append(statement)

        event.listen(one.sessions.db.engine, "before_cursor_execute", note)
        pair, _ = one.log_in("ann")
        one.resume(pair)
        event.remove(one.sessions.db.engine, "before_cursor_execute", note)
        counted.append([statement for statement in statements if not statement.startswith("PREPARE")])
    assert counted[0] == counted[1]


def test_require_asks_a_login_without_a_key_for_the_password_after_a_minute(core_of):
    core = core_of(**{"sessions.binding": "require"})
    bound, (pair, login) = Bound(core, "bob"), core.log_in("ann")
    core.pass_time(59)
    assert core.resume(pair).session is not None
    core.pass_time(2)
    for _ in range(2):
        outcome = core.resume(pair)
        assert (outcome.session, outcome.ended, outcome.withheld_session) == (
            None,
            "not_bound",
            login.session.id,
        )
    assert core.sql("SELECT quarantine_reason FROM sessions WHERE quarantined_at IS NOT NULL") == [
        {"quarantine_reason": "not_bound"}
    ]
    assert bound.resume().session is not None


def test_require_holds_for_sessions_that_were_never_asked(core_of):
    pair, _ = core_of(**{"sessions.binding": "off"}).log_in()
    assert core_of(**{"sessions.binding": "require"}).resume(pair).ended == "not_bound"


def test_forty_tabs_after_one_renewal(core, bound):
    core.pass_time(LIFE + 6)
    bound.renew()
    jar = bound.jar()
    outcomes = together(*[lambda: core.resume(jar)] * 40)
    assert [outcome.session.id for outcome in outcomes] == [bound.id] * 40
    assert core.sql("SELECT proofs FROM session_keys") == [{"proofs": 2}]
