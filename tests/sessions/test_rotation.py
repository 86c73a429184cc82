"""The session id changes in use, in two phases: what the browser has shown to hold is never taken from it."""

from hearts import OWNER, THIEF, together


def test_one_of_many_tabs_gets_a_successor(heart):
    pair, _ = heart.log_in()
    heart.make_rotation_due()
    outcomes = together(*[lambda: heart.resume(pair)] * 12)
    assert all(outcome.session for outcome in outcomes)
    assert sum(outcome.issue is not None for outcome in outcomes) == 1
    assert heart.provider.refreshes == []


def test_a_lost_response_costs_nothing(heart):
    pair, _ = heart.log_in()
    heart.make_rotation_due()
    assert heart.resume(pair).issue is not None  # and the response is lost
    assert heart.resume(pair).issue is None
    heart.pass_grace()
    again = heart.resume(pair)
    assert again.issue is not None
    assert heart.resume(again.issue).session is not None


def test_the_old_pair_is_served_for_the_grace_and_gets_no_cookie(heart):
    pair, _ = heart.log_in()
    heart.make_rotation_due()
    successor = heart.resume(pair).issue
    assert heart.resume(successor).session is not None
    straggler = heart.resume(pair)
    assert straggler.session is not None
    assert straggler.issue is None


def test_a_spent_pair_that_comes_back_ends_the_session_for_both(heart):
    """A3: both cookies copied, the owner moved on, the thief comes back with the old pair."""
    pair, _ = heart.log_in()
    heart.make_rotation_due()
    successor = heart.resume(pair).issue
    heart.resume(successor)
    heart.pass_grace()
    assert heart.resume(pair, THIEF).ended == "replayed"
    assert heart.resume(successor, OWNER).ended == "replayed"
    assert heart.events()[-2:] == ["authn_token_reuse", "session_use_after_expire"]
    assert [told["token"] is not None for told in heart.provider.revoked] == [True]


def test_the_thief_who_got_the_successor_is_found_when_the_owner_goes_on(heart):
    pair, _ = heart.log_in()
    heart.make_rotation_due()
    stolen = heart.resume(pair, THIEF).issue
    assert heart.resume(stolen, THIEF).session is not None
    heart.pass_grace()
    assert heart.resume(pair, OWNER).ended == "replayed"
    assert heart.resume(stolen, THIEF).session is None


def test_of_two_successors_the_one_that_is_seen_last_is_current(heart):
    """A slow response brings an older successor after a newer one was handed out: the browser shows what it has."""
    pair, _ = heart.log_in()
    heart.make_rotation_due()
    first = heart.resume(pair).issue
    heart.pass_grace()
    second = heart.resume(pair).issue
    assert heart.resume(first).session is not None
    assert heart.resume(second).session is not None
    assert heart.resume(first).session is not None  # in its grace
    heart.pass_grace()
    assert heart.resume(first).ended == "replayed"


def test_a_prefetch_neither_extends_nor_rotates(heart):
    pair, _ = heart.log_in()
    heart.make_rotation_due()
    heart.sql("UPDATE sessions SET last_seen_at = now() - interval '5 minutes'")
    before = heart.sql("SELECT last_seen_at, issued FROM sessions")
    assert heart.resume(pair, touch=False).session is not None
    assert heart.sql("SELECT last_seen_at, issued FROM sessions") == before
