"""Refresh: once upstream for however many ask, and nobody is signed out but by a dead token."""

import threading
import uuid

import pytest
from hearts import OWNER, THIEF, together

from shopforum.sessions import AuthorityUnavailable, Reason, Refreshed, Scope
from shopforum.sessions.model import Outcome, SessionBusy


def test_forty_tabs_make_one_refresh_and_one_new_pair(heart):
    pair, _ = heart.log_in()
    heart.let_idle()
    outcomes = together(*[lambda: heart.resume(pair)] * 40)
    assert all(isinstance(outcome, Outcome) and outcome.session for outcome in outcomes), outcomes
    assert len(heart.provider.refreshes) == 1
    [issued] = [outcome.issue for outcome in outcomes if outcome.issue]
    assert issued.session_id != pair.session_id
    assert heart.resume(issued).session is not None


def test_a_refresh_moves_neither_the_password_s_time_nor_the_absolute_end(heart):
    pair, _ = heart.log_in()
    before = heart.sql("SELECT authenticated_at, absolute_end, id FROM sessions")
    heart.let_idle()
    assert heart.resume(pair).issue is not None
    assert heart.sql("SELECT authenticated_at, absolute_end, id FROM sessions") == before
    [row] = heart.sql("SELECT refresh_count, idle_end > now() AS active FROM sessions")
    assert (row["refresh_count"], row["active"]) == (1, True)
    assert heart.events()[-1] == "session_renewed"


def test_a_refresh_from_elsewhere_leaves_its_place(heart):
    pair, _ = heart.log_in()
    heart.let_idle()
    heart.resume(pair, THIEF)
    assert [
        row["address"] for row in heart.sql("SELECT host(address) AS address FROM session_places ORDER BY 1")
    ] == [
        OWNER.address,
        THIEF.address,
    ]


def test_a_dead_token_ends_the_session_once_and_for_all(heart):
    pair, _ = heart.log_in()
    heart.provider.live.clear()
    heart.let_idle()
    assert heart.resume(pair).ended == "expired"
    assert heart.resume(pair).ended == "refresh_refused"
    assert len(heart.provider.refreshes) == 1
    assert heart.events()[-1] == "session_expired"
    # Its owner coming back late is no attack.
    assert heart.flags() == {}


def test_a_provider_that_is_away_signs_nobody_out(heart):
    pair, _ = heart.log_in()
    heart.let_idle()
    heart.provider.away = True
    for _ in range(3):
        with pytest.raises(AuthorityUnavailable):
            heart.resume(pair)
    heart.provider.away = False
    assert heart.resume(pair).issue is not None


def test_a_one_time_token_that_turned_is_handed_out_with_the_new_pair(heart):
    heart.provider.one_time = True
    pair, _ = heart.log_in()
    heart.let_idle()
    fresh = heart.resume(pair).issue
    assert fresh.refresh_token != pair.refresh_token
    assert heart.resume(fresh).session is not None
    heart.let_idle()
    assert heart.resume(fresh).issue is not None


def test_a_one_time_token_whose_response_was_lost_is_fetched_again(heart):
    heart.provider.one_time = True
    pair, _ = heart.log_in()
    heart.let_idle()
    assert heart.resume(pair).issue is not None  # and the response is lost
    assert heart.resume(pair).issue is None  # it may still be on its way
    heart.sql("UPDATE sessions SET issued_at = issued_at - interval '11 seconds'")
    outcomes = together(*[lambda: heart.resume(pair)] * 10)
    assert all(outcome.session for outcome in outcomes)
    [again] = [outcome.issue for outcome in outcomes if outcome.issue]
    assert len(heart.provider.refreshes) == 2
    assert again.refresh_token in heart.provider.live
    assert heart.resume(again).session is not None
    heart.let_idle()
    assert heart.resume(again).issue is not None


@pytest.mark.parametrize("trouble", ["refused", "away"])
def test_a_lost_response_that_cannot_be_fetched_again_signs_nobody_out(heart, trouble):
    heart.provider.one_time = True
    pair, _ = heart.log_in()
    heart.let_idle()
    heart.resume(pair)
    heart.provider.grace = trouble != "refused"
    heart.provider.away = trouble == "away"
    heart.sql("UPDATE sessions SET issued_at = issued_at - interval '11 seconds'")
    for _ in range(3):
        assert heart.resume(pair).session is not None
    assert len(heart.provider.refreshes) == 2


def test_waiting_tabs_are_served_when_a_slow_provider_answers(heart):
    pair, _ = heart.log_in()
    heart.let_idle()
    slow = threading.Event()
    heart.provider.before_answer = lambda: slow.wait(0.5) and None
    outcomes = together(*[lambda: heart.resume(pair)] * 5)
    assert [bool(outcome.session) for outcome in outcomes] == [True] * 5
    assert len(heart.provider.refreshes) == 1


def test_who_waits_too_long_is_told_to_come_back_and_keeps_everything(heart_of):
    heart = heart_of("store", **{"sessions.refresh_wait": "0.1"})
    pair, _ = heart.log_in()
    heart.let_idle()
    release, asked = threading.Event(), threading.Event()
    heart.provider.before_answer = lambda: (asked.set(), release.wait(5))[0]
    winner = threading.Thread(target=lambda: heart.resume(pair))
    winner.start()
    asked.wait(5)
    with pytest.raises(SessionBusy):
        heart.resume(pair)
    release.set()
    winner.join()
    assert heart.resume(pair).session is not None
    assert len(heart.provider.refreshes) == 1


def test_a_lease_whose_holder_died_is_taken_over(heart):
    pair, _ = heart.log_in()
    heart.let_idle()
    heart.sql(
        "UPDATE sessions SET lease = :lease, lease_until = now() + interval '0.2 seconds'", lease=uuid.uuid4()
    )
    assert heart.resume(pair).issue is not None
    assert len(heart.provider.refreshes) == 1


@pytest.mark.parametrize("scope", ["session", "user", "site", "everyone"])
def test_a_revoke_during_the_refresh_wins(heart, scope):
    pair, outcome = heart.log_in()
    scopes = {
        "session": Scope(sessions=(outcome.session.id,)),
        "user": Scope(user_id=outcome.session.user_id),
        "site": Scope(site="store"),
        "everyone": Scope(everyone=True),
    }
    heart.let_idle()

    def revoke() -> None:
        heart.provider.before_answer = lambda: None
        heart.sessions.revoke(scopes[scope], Reason("admin", "carol", "suspected_theft"), OWNER)

    heart.provider.before_answer = revoke
    late = heart.resume(pair)
    assert late.session is None
    assert late.issue is None
    assert late.ended == "suspected_theft"
    assert heart.resume(pair).session is None


def test_an_answer_for_somebody_else_ends_the_session(heart, monkeypatch):
    """The provider mixed up two users (or a shared cookie jar did): nobody gets anybody's identity."""
    pair, _ = heart.log_in()
    heart.let_idle()
    other = Refreshed("some-other-token", uuid.uuid4(), uuid.uuid4(), ("owner",))
    monkeypatch.setattr(heart.provider, "refresh", lambda _token, _user_id: other)
    outcome = heart.resume(pair)
    assert (outcome.session, outcome.issue, outcome.ended) == (None, None, "expired")
    assert heart.resume(pair).ended == "identity_mismatch"


def test_a_fault_of_ours_gives_the_lease_back(heart, monkeypatch):
    pair, _ = heart.log_in()
    heart.let_idle()
    good = heart.provider.refresh

    def broken(_token: str, _user_id: uuid.UUID) -> Refreshed:
        raise ZeroDivisionError

    monkeypatch.setattr(heart.provider, "refresh", broken)
    with pytest.raises(ZeroDivisionError):
        heart.resume(pair)
    monkeypatch.setattr(heart.provider, "refresh", good)
    assert heart.resume(pair).issue is not None


def test_a_site_that_cannot_renew_ends_with_the_idle_time_out(heart_of):
    console = heart_of("admin", **{"sessions.renewable": "false"})
    pair, _ = console.log_in()
    assert pair.refresh_token is None
    assert console.resume(pair).session is not None
    console.let_idle()
    outcome = console.resume(pair)
    assert (outcome.session, outcome.ended) == (None, "expired")
    assert console.provider.refreshes == []
