"""Risk signals compare meaning: a browser update is no signal, another browser is one."""

from dataclasses import replace

import pytest
from session_fixtures import OWNER

from shopforum.core import addresses
from shopforum.sessions import risk_signals
from shopforum.sessions.audit import Client

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 "
    "Safari/537.36"
)
FIREFOX_LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"

HOME = Client("192.0.2.10", FIREFOX.format(140))
NEXT_DOOR = replace(HOME, address="192.0.2.77")
CAFE = replace(HOME, address="198.51.100.9")


@pytest.mark.parametrize(
    ("now", "signals"),
    [
        pytest.param(HOME, {}, id="the same"),
        pytest.param(replace(HOME, agent=FIREFOX.format(141)), {}, id="an update"),
        pytest.param(
            replace(HOME, agent=FIREFOX.format(139)), {"older_browser": 1}, id="the version went backwards"
        ),
        pytest.param(replace(HOME, agent=CHROME.format(150)), {"other_browser": 1}, id="another browser"),
        pytest.param(
            replace(HOME, agent=FIREFOX_LINUX.format(140)), {"other_system": 1}, id="another operating system"
        ),
        pytest.param(
            replace(HOME, agent="curl/8.5.0"), {"other_browser": 1, "other_system": 1}, id="no browser at all"
        ),
        pytest.param(NEXT_DOOR, {}, id="the same network"),
        pytest.param(CAFE, {}, id="another network, which phones change all day"),
    ],
)
def test_the_signals(core, now, signals):
    pair, _ = core.log_in(client=HOME)
    assert core.resume(pair, now).session is not None
    assert core.flags() == signals
    # It is noted when it appears, and not again by every page after.
    core.resume(pair, now)
    assert core.flags() == signals
    assert [event for event in core.events() if event in risk_signals.SIGNALS] == sorted(
        signals, key=risk_signals.SIGNALS.index
    )


def test_two_places_at_once_are_a_signal_and_one_move_is_not(core):
    pair, _ = core.log_in(client=HOME)
    core.resume(pair, CAFE)
    assert core.flags() == {}
    core.resume(pair, HOME)
    assert core.flags() == {"two_places": 1}


def test_a_user_who_comes_home_later_was_not_in_two_places(core):
    pair, _ = core.log_in(client=HOME)
    core.resume(pair, CAFE)
    core.pass_time(risk_signals.AT_ONCE + 1)
    core.resume(pair, HOME)
    assert core.flags() == {}


def test_a_prefetch_is_looked_at_as_well(core):
    """A thief could otherwise call every request a prefetch."""
    pair, _ = core.log_in(client=HOME)
    core.resume(pair, replace(HOME, agent=CHROME.format(150)), touch=False)
    assert core.flags() == {"other_browser": 1}


def test_the_network_counts_where_the_site_says_so(core_of):
    core = core_of(**{"sessions.risk_signals": "other_network"})
    pair, _ = core.log_in(client=HOME)
    core.resume(pair, NEXT_DOOR)
    core.resume(pair, CAFE)
    core.resume(pair, replace(CAFE, agent=CHROME.format(150)))
    assert core.flags() == {"other_network": 1}


def test_networks_of_both_families_and_no_address(core_of):
    assert addresses.household("192.0.2.10") == "192.0.2.0/24"
    assert addresses.household("2001:db8:1:2::3") == "2001:db8:1::/48"
    assert addresses.household(None) is None
    core = core_of(**{"sessions.risk_signals": "other_network"})
    pair, _ = core.log_in(client=HOME)
    core.resume(pair, replace(HOME, address=None))
    assert core.flags() == {}
    core.resume(pair, replace(HOME, address="2001:db8::1"))
    core.resume(pair, HOME)
    # Seen from nowhere in between, or from the other of two families, there is nothing to compare with.
    assert core.flags() == {}
    core.resume(pair, CAFE)
    assert core.flags() == {"other_network": 1}


def test_a_machine_with_two_families_of_addresses_is_one_place(core):
    pair, _ = core.log_in(client=HOME)
    for address in ("2001:db8::1", HOME.address, "2001:db8::1", HOME.address):
        core.resume(pair, replace(HOME, address=address))
    assert core.flags() == {}


def test_off_is_off(core_of):
    core = core_of(**{"sessions.risk": "off"})
    pair, _ = core.log_in(client=HOME)
    assert core.resume(pair, replace(HOME, agent="curl/8.5.0")).session is not None
    assert core.flags() == {}


def test_enforced_a_signal_asks_for_the_password_and_nothing_is_lost(core_of):
    core = core_of(**{"sessions.risk": "enforce"})
    pair, started = core.log_in(client=HOME)
    thief = replace(CAFE, agent=CHROME.format(150))
    outcome = core.resume(pair, thief)
    assert (outcome.session, outcome.ended, outcome.issue) == (None, "quarantined", None)
    # The owner is asked as well: which of both is which, only the password tells.
    held = core.resume(pair, HOME)
    assert (held.session, held.ended, held.withheld_session) == (None, "quarantined", started.session.id)
    assert core.provider.revoked == []
    fresh, again = core.log_in(client=HOME, replaced=held.withheld_session)
    served = core.resume(fresh, HOME).session
    assert served == replace(
        again.session,
        authenticated_ago=served.authenticated_ago,
        confirmed_ago=served.confirmed_ago,
        ends_in=served.ends_in,
    )
    assert served.authenticated_ago + served.ends_in == pytest.approx(30 * 86400)
    assert core.resume(pair, thief).ended == "superseded"
    assert [event for event in core.events() if event in ("other_browser", "session_quarantined")] == [
        "other_browser",
        "session_quarantined",
    ]


def test_a_dormant_session_is_checked_before_the_provider_is_asked(core_of):
    core = core_of(**{"sessions.risk": "enforce"})
    pair, _ = core.log_in(client=HOME)
    core.let_idle()
    assert core.resume(pair, replace(HOME, agent="curl/8.5.0")).ended == "quarantined"
    assert core.provider.refreshes == []


def test_agents_that_say_nothing_or_nonsense_are_compared_all_the_same(core):
    pair, _ = core.log_in(client=replace(OWNER, agent=""))
    for agent in ("", "\u2028" * 9, "Firefox/99999999999999999999", "x" * 512):
        assert core.resume(pair, replace(OWNER, agent=agent)).session is not None
