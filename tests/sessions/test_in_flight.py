"""A session that changes while a request on it is under way: after asking the provider, the request looks again."""

import random
from functools import partial

import pytest
from session_fixtures import OWNER, THIEF, together

from shopforum.sessions import AuthorityUnavailable, Reason, Rule, Scope, jobs
from shopforum.sessions.audit import Client

WHY = Reason("admin", "carol", "suspected_theft")


@pytest.fixture
def console(core_of):
    settings = {"renewable": "false", "roles_every": "60", "risk": "enforce"}
    return core_of("admin", **{f"sessions.{name}": value for name, value in settings.items()})


@pytest.mark.parametrize("away", [False, True], ids=["answers", "fails"])
@pytest.mark.parametrize("how", ["session", "user", "quarantine", "rule"])
def test_nothing_is_served_on_what_was_ended_while_its_roles_were_asked_for(console, how, away):
    pair, started = console.log_in()
    session, core = started.session, console.sessions
    console.pass_time(61)

    def asked(_user_id):
        if how == "quarantine":
            core.quarantine([session.id], WHY, OWNER)
        elif how == "rule":
            core.add_rule(Rule(3600, user_id=session.user_id), WHY, OWNER)
        else:
            by_id = how == "session"
            core.revoke(
                Scope(sessions=(session.id,)) if by_id else Scope(user_id=session.user_id), WHY, OWNER
            )
        if away:
            raise AuthorityUnavailable("away")
        return ("shopper",)

    console.provider.roles = asked
    outcome = console.resume(pair)
    assert outcome.session is None
    assert outcome.ended


def test_nothing_is_served_on_what_was_ended_while_a_lost_answer_was_asked_for_again(core):
    core.provider.one_time = True
    pair, started = core.log_in()
    core.let_idle()
    core.resume(pair)
    core.pass_time(11)

    def asked(_token, _user_id, _client):
        core.sessions.revoke(Scope(sessions=(started.session.id,)), WHY, OWNER)
        raise AuthorityUnavailable("away")

    core.provider.refresh = asked
    assert core.resume(pair).session is None


def test_a_rule_that_is_made_during_a_refresh_holds_its_page_back_and_keeps_its_cookies(core):
    pair, started = core.log_in()
    core.let_idle()
    rules = []
    made = Rule(3600, user_id=started.session.user_id)
    core.provider.before_answer = lambda: rules.append(core.sessions.add_rule(made, WHY, OWNER))
    outcome = core.resume(pair)
    assert (outcome.session, outcome.ended, outcome.withheld_session) == (None, "blocked", started.session.id)
    core.sessions.lift_rule(rules[0], "carol", OWNER)
    assert core.resume(outcome.issue).session is not None


def test_of_many_requests_from_a_thief_s_browser_none_is_served_before_the_signal_counts(console):
    """Sent at once: the first must not have its browser written down as the session's before it was looked at."""
    pair, _ = console.log_in()
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    stolen = partial(console.resume, pair, Client(THIEF.address, agent))
    outcomes = together(*[stolen] * 12)
    assert [outcome.ended for outcome in outcomes] == ["quarantined"] * 12
    assert console.sql("SELECT 1 FROM session_places WHERE address = :thief", thief=THIEF.address)


def test_where_signals_are_acted_upon_a_place_without_any_becomes_the_session_s(console):
    pair, _ = console.log_in()
    elsewhere = Client("198.51.100.7", OWNER.agent)
    assert console.resume(pair, elsewhere).session is not None
    [row] = console.sql("SELECT host(last_address) AS address FROM sessions")
    assert row["address"] == elsewhere.address


def test_logins_that_end_each_other_s_sessions_and_admins_who_end_both_do_not_lock_each_other_out(core_of):
    core = core_of("store", **{"sessions.max_per_user": "1"})
    dice = random.Random(1)
    for _ in range(8):
        ids = [core.log_in(name)[1].session.id for name in ("ann", "ben")]
        dice.shuffle(ids)
        done = together(
            partial(core.log_in, "ann", replaced=ids[0]),
            partial(core.log_in, "ben", replaced=ids[1]),
            partial(core.sessions.revoke, Scope(sessions=tuple(ids)), WHY, OWNER),
            partial(core.sessions.quarantine, ids, WHY, OWNER),
            partial(jobs.run_once, core.sessions),
        )
        assert not [found for found in done if isinstance(found, Exception)], done
