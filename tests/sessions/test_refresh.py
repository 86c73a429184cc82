"""Refresh: one call to the provider for any number of requests; only a dead token signs a user out."""

import threading
import uuid
from queue import Queue

import pytest
from session_fixtures import OWNER, THIEF, together

from shopforum.sessions import AuthorityUnavailable, Reason, Refreshed, Scope
from shopforum.sessions.audit import Client
from shopforum.sessions.model import Outcome, SessionBusy


def test_forty_tabs_make_one_refresh_and_one_new_pair(core):
    pair, _ = core.log_in()
    core.let_idle()
    outcomes = together(*[lambda: core.resume(pair)] * 40)
    assert all(isinstance(outcome, Outcome) and outcome.session for outcome in outcomes), outcomes
    assert len(core.provider.refreshes) == 1
    [issued] = [outcome.issue for outcome in outcomes if outcome.issue]
    assert issued.session_id != pair.session_id
    assert core.resume(issued).session is not None


def test_a_refresh_moves_neither_the_password_s_time_nor_the_absolute_end(core):
    pair, _ = core.log_in()
    before = core.sql("SELECT authenticated_at, absolute_end, id FROM sessions")
    core.let_idle()
    assert core.resume(pair).issue is not None
    assert core.sql("SELECT authenticated_at, absolute_end, id FROM sessions") == before
    [row] = core.sql("SELECT refresh_count, idle_end > now() AS active FROM sessions")
    assert (row["refresh_count"], row["active"]) == (1, True)
    assert core.events()[-1] == "session_renewed"


def test_a_refresh_from_elsewhere_leaves_its_place(core):
    pair, _ = core.log_in()
    core.let_idle()
    core.resume(pair, THIEF)
    assert [
        row["address"] for row in core.sql("SELECT host(address) AS address FROM session_places ORDER BY 1")
    ] == [
        OWNER.address,
        THIEF.address,
    ]


def test_a_dead_token_ends_the_session_once_and_for_all(core):
    pair, _ = core.log_in()
    core.provider.live.clear()
    core.let_idle()
    assert core.resume(pair).ended == "expired"
    assert core.resume(pair).ended == "refresh_refused"
    assert len(core.provider.refreshes) == 1
    assert core.events()[-1] == "session_expired"
    # Its owner coming back late is no attack.
    assert core.flags() == {}


def test_a_provider_that_is_away_signs_nobody_out(core):
    pair, _ = core.log_in()
    core.let_idle()
    core.provider.away = True
    for _ in range(3):
        with pytest.raises(AuthorityUnavailable):
            core.resume(pair)
    core.provider.away = False
    assert core.resume(pair).issue is not None


def test_a_one_time_token_that_turned_is_handed_out_with_the_new_pair(core):
    core.provider.one_time = True
    pair, _ = core.log_in()
    core.let_idle()
    fresh = core.resume(pair).issue
    assert fresh.refresh_token != pair.refresh_token
    assert core.resume(fresh).session is not None
    core.let_idle()
    assert core.resume(fresh).issue is not None


def test_a_one_time_token_whose_response_was_lost_is_fetched_again(core):
    core.provider.one_time = True
    pair, _ = core.log_in()
    core.let_idle()
    assert core.resume(pair).issue is not None  # and the response is lost
    assert core.resume(pair).issue is None  # it may still be on its way
    core.pass_time(11)
    outcomes = together(*[lambda: core.resume(pair)] * 10)
    assert all(outcome.session for outcome in outcomes)
    [again] = [outcome.issue for outcome in outcomes if outcome.issue]
    assert len(core.provider.refreshes) == 2
    assert again.refresh_token in core.provider.live
    assert core.resume(again).session is not None
    core.let_idle()
    assert core.resume(again).issue is not None


@pytest.mark.parametrize("trouble", ["refused", "away"])
def test_a_lost_response_that_cannot_be_fetched_again_signs_nobody_out(core, trouble):
    core.provider.one_time = True
    pair, _ = core.log_in()
    core.let_idle()
    core.resume(pair)
    core.provider.grace = trouble != "refused"
    core.provider.away = trouble == "away"
    core.pass_time(11)
    for _ in range(3):
        assert core.resume(pair).session is not None
    assert len(core.provider.refreshes) == 2


def test_waiting_tabs_are_served_when_a_slow_provider_answers(core):
    pair, _ = core.log_in()
    core.let_idle()
    slow = threading.Event()
    core.provider.before_answer = lambda: slow.wait(0.5) and None
    outcomes = together(*[lambda: core.resume(pair)] * 5)
    assert [bool(outcome.session) for outcome in outcomes] == [True] * 5
    assert len(core.provider.refreshes) == 1


def test_a_replaced_pair_waits_for_the_refresh_of_its_session_and_is_never_served_before(core_of):
    core = core_of("store", **{"sessions.refresh_wait": "0.1"})
    pair, _ = core.log_in()
    core.make_rotation_due()
    head = core.resume(pair).issue
    core.resume(head)
    core.let_idle()
    with pytest.raises(SessionBusy):
        core.resume(pair)
    assert core.resume(head).issue is not None
    assert core.resume(pair).session is not None
    assert len(core.provider.refreshes) == 1


def test_a_request_that_waits_too_long_is_told_to_come_back_and_keeps_its_cookies(core_of):
    core = core_of("store", **{"sessions.refresh_wait": "0.1"})
    pair, _ = core.log_in()
    core.let_idle()
    release, asked = threading.Event(), threading.Event()
    core.provider.before_answer = lambda: (asked.set(), release.wait(5))[0]
    winner = threading.Thread(target=lambda: core.resume(pair))
    winner.start()
    asked.wait(5)
    with pytest.raises(SessionBusy):
        core.resume(pair)
    release.set()
    winner.join()
    assert core.resume(pair).session is not None
    assert len(core.provider.refreshes) == 1


def test_only_so_many_requests_wait_for_a_refresh_and_the_others_are_told_at_once(core_of):
    """The tabs of one person must not hold all threads of the site."""
    core = core_of("store", **{"sessions.most_waiting": "2", "sessions.refresh_wait": "60"})
    pair, _ = core.log_in()
    core.let_idle()
    release, asked, answers = threading.Event(), threading.Event(), Queue()
    core.provider.before_answer = lambda: (asked.set(), release.wait(30))[0]

    def tab() -> None:
        try:
            answers.put(core.resume(pair))
        except SessionBusy as busy:
            answers.put(busy)

    tabs = [threading.Thread(target=tab) for _ in range(10)]
    tabs[0].start()
    assert asked.wait(30)
    for one in tabs[1:]:
        one.start()
    refused = [answers.get(timeout=30) for _ in range(7)]
    assert all(isinstance(answer, SessionBusy) and answer.retry_after for answer in refused)
    release.set()
    for one in tabs:
        one.join()
    assert [bool(answers.get_nowait().session) for _ in range(3)] == [True] * 3
    assert core.resume(pair).session is not None


def test_a_lease_whose_holder_died_is_taken_over(core):
    pair, _ = core.log_in()
    core.let_idle()
    core.sql(
        "UPDATE sessions SET lease = :lease, lease_until = now() + interval '0.2 seconds'", lease=uuid.uuid4()
    )
    assert core.resume(pair).issue is not None
    assert len(core.provider.refreshes) == 1


@pytest.mark.parametrize("scope", ["session", "user", "site", "everyone"])
def test_a_revoke_during_the_refresh_wins(core, scope):
    pair, outcome = core.log_in()
    scopes = {
        "session": Scope(sessions=(outcome.session.id,)),
        "user": Scope(user_id=outcome.session.user_id),
        "site": Scope(site="store"),
        "everyone": Scope(everyone=True),
    }
    core.let_idle()

    def revoke() -> None:
        core.provider.before_answer = lambda: None
        core.sessions.revoke(scopes[scope], Reason("admin", "carol", "suspected_theft"), OWNER)

    core.provider.before_answer = revoke
    late = core.resume(pair)
    assert late.session is None
    assert late.issue is None
    assert late.ended == "suspected_theft"
    assert core.resume(pair).session is None


def test_an_answer_for_somebody_else_ends_the_session(core, monkeypatch):
    """The provider mixed up two users (or a shared cookie jar did): nobody gets anybody's identity."""
    pair, _ = core.log_in()
    core.let_idle()
    other = Refreshed("some-other-token", uuid.uuid4(), uuid.uuid4(), ("owner",))
    monkeypatch.setattr(core.provider, "refresh", lambda _token, _user_id, _client: other)
    outcome = core.resume(pair)
    assert (outcome.session, outcome.issue, outcome.ended) == (None, None, "expired")
    assert core.resume(pair).ended == "identity_mismatch"


def test_a_fault_of_ours_gives_the_lease_back(core, monkeypatch):
    pair, _ = core.log_in()
    core.let_idle()
    good = core.provider.refresh

    def broken(_token: str, _user_id: uuid.UUID, _client: Client) -> Refreshed:
        raise ZeroDivisionError

    monkeypatch.setattr(core.provider, "refresh", broken)
    with pytest.raises(ZeroDivisionError):
        core.resume(pair)
    monkeypatch.setattr(core.provider, "refresh", good)
    assert core.resume(pair).issue is not None


def test_a_site_that_cannot_renew_ends_with_the_idle_time_out(core_of):
    console = core_of("admin", **{"sessions.renewable": "false"})
    pair, _ = console.log_in()
    assert pair.refresh_token is None
    assert console.resume(pair).session is not None
    console.let_idle()
    outcome = console.resume(pair)
    assert (outcome.session, outcome.ended) == (None, "expired")
    assert console.provider.refreshes == []
