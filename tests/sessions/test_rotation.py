"""Rotation in two phases: a browser never loses a pair that it has shown for one that it has not."""

from dataclasses import replace

import pytest
from session_fixtures import OWNER, THIEF, together


def test_one_of_many_tabs_gets_a_successor(core):
    pair, _ = core.log_in()
    core.make_rotation_due()
    outcomes = together(*[lambda: core.resume(pair)] * 12)
    assert all(outcome.session for outcome in outcomes)
    assert sum(outcome.issue is not None for outcome in outcomes) == 1
    assert core.provider.refreshes == []


def test_a_lost_response_costs_nothing(core):
    pair, _ = core.log_in()
    core.make_rotation_due()
    assert core.resume(pair).issue is not None  # and the response is lost
    assert core.resume(pair).issue is None
    core.pass_grace()
    again = core.resume(pair)
    assert again.issue is not None
    assert core.resume(again.issue).session is not None


def test_the_old_pair_is_served_for_the_grace_and_gets_no_cookie(core):
    pair, _ = core.log_in()
    core.make_rotation_due()
    successor = core.resume(pair).issue
    assert core.resume(successor).session is not None
    straggler = core.resume(pair)
    assert straggler.session is not None
    assert straggler.issue is None


def test_a_spent_pair_that_comes_back_ends_the_session_for_both(core):
    """A3: both cookies copied, the owner moved on, the thief comes back with the old pair."""
    pair, _ = core.log_in()
    core.make_rotation_due()
    successor = core.resume(pair).issue
    core.resume(successor)
    core.pass_grace()
    assert core.resume(pair, THIEF).ended == "replayed"
    assert core.resume(successor, OWNER).ended == "replayed"
    assert core.events()[-2:] == ["authn_token_reuse", "session_use_after_expire"]
    assert [told["token"] is not None for told in core.provider.revoked] == [True]


def test_the_thief_who_got_the_successor_is_found_when_the_owner_goes_on(core):
    pair, _ = core.log_in()
    core.make_rotation_due()
    stolen = core.resume(pair, THIEF).issue
    assert core.resume(stolen, THIEF).session is not None
    core.pass_grace()
    assert core.resume(pair, OWNER).ended == "replayed"
    assert core.resume(stolen, THIEF).session is None


def test_of_two_successors_the_one_that_is_shown_holds(core):
    """A slow response brings an older successor after a newer one was handed out: the browser shows what it has."""
    pair, _ = core.log_in()
    core.make_rotation_due()
    first = core.resume(pair).issue
    core.pass_grace()
    second = core.resume(pair).issue
    assert core.resume(first).session is not None
    # The other is on its way for a moment, and changes nothing.
    assert core.resume(second).session is not None
    assert core.sql("SELECT head FROM sessions") == [{"head": 2}]
    core.pass_grace()
    # Later it is what the browser has: it takes over, and what it has replaced is good for the grace.
    assert core.resume(second).session is not None
    assert core.resume(first).session is not None
    core.pass_grace()
    assert core.resume(first).ended == "replayed"


CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(
    ("client", "ended"),
    [
        (replace(OWNER, agent=CHROME.format(140)), "quarantined"),
        (replace(OWNER, agent=CHROME.format(141)), "quarantined"),
        (replace(OWNER, agent="curl/8.5.0"), "replayed"),
        (replace(THIEF, agent=CHROME.format(140)), "replayed"),
    ],
    ids=["the same", "updated", "another browser", "another network"],
)
def test_a_browser_that_crashed_comes_back_with_older_cookies_and_a_copy_of_them_is_a_fork(
    core, client, ended
):
    """The newest cookies were used for less than a minute, so that they may not have reached the disk."""
    owner = replace(OWNER, agent=CHROME.format(140))
    pair, _ = core.log_in(client=owner)
    core.make_rotation_due()
    successor = core.resume(pair, owner).issue
    assert core.resume(successor, owner).session is not None
    core.pass_grace()
    assert core.resume(pair, client).ended == ended
    [row] = core.sql("SELECT quarantine_reason, end_reason FROM sessions")
    assert tuple(row.values()) == (("older_cookies", None) if ended == "quarantined" else (None, "replayed"))


def test_a_prefetch_neither_extends_nor_rotates(core):
    pair, _ = core.log_in()
    core.make_rotation_due()
    core.pass_time(300)
    before = core.sql("SELECT last_seen_at, issued FROM sessions")
    assert core.resume(pair, touch=False).session is not None
    assert core.sql("SELECT last_seen_at, issued FROM sessions") == before
