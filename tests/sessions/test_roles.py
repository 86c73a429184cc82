"""Roles that were taken away count within `roles_every` seconds, without a new login (ASVS 5.0 8.3.2)."""

import pytest
from session_fixtures import OWNER, together

from shopforum.sessions.renewal import read_roles
from shopforum.sessions.rows import SessionOwner


@pytest.fixture
def console(core_of):
    return core_of("admin", **{"sessions.renewable": "false", "sessions.roles_every": "60"})


def test_roles_are_asked_for_again_when_they_are_old(console):
    pair, started = console.log_in()
    console.provider.told_roles[started.session.user_id] = ("viewer",)
    assert console.resume(pair).session.roles == {"shopper"}
    assert console.provider.asked_roles == 0
    console.pass_time(61)
    assert console.resume(pair).session.roles == {"viewer"}
    assert console.resume(pair).session.roles == {"viewer"}
    assert console.provider.asked_roles == 1


def test_of_many_tabs_one_asks(console):
    pair, _ = console.log_in()
    console.pass_time(61)
    outcomes = together(*[lambda: console.resume(pair)] * 12)
    assert all(outcome.session for outcome in outcomes), outcomes
    assert console.provider.asked_roles == 1


def test_a_closed_account_loses_its_sessions_here(console):
    pair, started = console.log_in()
    console.log_in(client=OWNER)
    console.provider.told_roles[started.session.user_id] = None
    console.pass_time(61)
    assert console.resume(pair).ended == "account_closed"
    assert console.sql("SELECT 1 FROM sessions WHERE ended_at IS NULL") == []


def test_while_the_provider_is_away_the_console_works_with_the_roles_it_knows(console):
    pair, started = console.log_in()
    console.provider.told_roles[started.session.user_id] = ()
    console.provider.away = True
    console.pass_time(61)
    assert console.resume(pair).session.roles == {"shopper"}
    console.provider.away = False
    # It is not asked by every request, and asked again when the time is up.
    assert console.resume(pair).session.roles == {"shopper"}
    console.pass_time(61)
    assert console.resume(pair).session.roles == frozenset()


def test_a_site_that_does_not_ask_never_asks(core):
    pair, _ = core.log_in()
    core.pass_time(1000)
    core.resume(pair)
    assert core.provider.asked_roles == 0


def test_a_request_during_a_look_up_of_roles_is_served_with_the_known_roles(console):
    pair, started = console.log_in()
    console.provider.told_roles[started.session.user_id] = ()
    console.pass_time(61)
    meanwhile = []
    console.provider.before_answer = lambda: meanwhile.append(
        read_roles(console.sessions.context, owner, OWNER)
    )
    owner = SessionOwner(started.session.id, started.session.user_id, "admin")
    assert console.resume(pair).session.roles == frozenset()
    assert meanwhile == [False]
