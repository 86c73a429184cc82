"""Deny rules: what matches is refused at the login, at a refresh and at every page, until the rule is over."""

import uuid
from dataclasses import replace

import pytest
from session_fixtures import OWNER, THIEF, together

from shopforum.sessions import AuthorityUnavailable, Login, Reason, Rule, Scope, SignInBlocked
from shopforum.sessions.audit import Client

WHY = Reason("admin", "ann@example.com", "incident", admin="cookies leaked")


def rule(**values):
    return Rule(seconds=3600, **values)


@pytest.mark.parametrize(
    ("made", "refused", "served"),
    [
        (rule(network="203.0.113.0/24"), THIEF, OWNER),
        (rule(network="203.0.113.66"), THIEF, replace(THIEF, address="203.0.113.67")),
        (rule(device="Chrome  THIEF"), THIEF, replace(THIEF, agent="Chrome of somebody")),
        (rule(network="203.0.113.0/24", device="chrome"), THIEF, replace(THIEF, agent="Firefox")),
        (rule(network="203.0.113.0/24", site="store"), THIEF, replace(THIEF, address=None)),
        (rule(network="2001:db8::/32"), replace(THIEF, address="2001:db8::9"), THIEF),
    ],
)
def test_a_rule_refuses_a_client_that_matches_all_its_fields(core, made, refused, served):
    pair, _ = core.log_in(client=OWNER)
    rule_id = core.sessions.add_rule(made, WHY, OWNER)
    assert core.sessions.refuses(refused)
    assert not core.sessions.refuses(served)
    with pytest.raises(SignInBlocked):
        core.log_in("ben", refused)
    core.log_in("ben", served)

    blocked = core.resume(pair, refused)
    assert (blocked.session, blocked.ended, blocked.issue) == (None, "blocked", None)
    assert blocked.withheld_session is not None
    assert core.resume(pair, served).session is not None
    core.let_idle()
    assert core.resume(pair, refused).ended == "blocked"
    assert core.provider.refreshes == []

    assert core.sessions.lift_rule(rule_id, "ann@example.com", OWNER)
    assert not core.sessions.lift_rule(rule_id, "ann@example.com", OWNER)
    assert core.resume(pair, refused).session is not None
    assert [e for e in core.events() if "rule" in e] == ["standing_rule_added", "standing_rule_lifted"]


def test_a_rule_for_one_user_leaves_the_others_alone(core):
    pair, started = core.log_in("ann")
    other, _ = core.log_in("ben")
    core.sessions.add_rule(rule(user_id=started.session.user_id), WHY, OWNER)
    assert core.resume(pair).ended == "blocked"
    assert core.resume(other).session is not None
    # Before the password nobody is told that somebody is blocked.
    assert not core.sessions.refuses(OWNER)
    with pytest.raises(SignInBlocked):
        core.log_in("ann")
    # The provider takes back what it issued, and no row is left.
    assert len(core.provider.revoked) == 1
    assert len(core.sql("SELECT 1 FROM sessions")) == 2


def test_a_login_that_is_refused_while_the_provider_is_away_is_refused_all_the_same(core):
    _, started = core.log_in("ann")
    core.sessions.add_rule(rule(user_id=started.session.user_id), WHY, OWNER)
    core.provider.away = True
    with pytest.raises(SignInBlocked):
        core.log_in("ann")


def test_a_login_without_a_refresh_token_has_none_to_give_back(core_of):
    console = core_of("admin", **{"sessions.renewable": "false"})
    console.sessions.add_rule(rule(network="203.0.113.0/24"), WHY, OWNER)
    login = Login(
        uuid.uuid4(), "Ann", "ann@example.com", ("owner",), None, None, console.sessions.login_start()
    )
    with pytest.raises(SignInBlocked):
        console.sessions.start(login, THIEF)
    assert console.provider.revoked == []


def test_a_rule_of_another_site_does_not_count(core_of):
    core = core_of("forums")
    pair, _ = core.log_in(client=THIEF)
    core.sessions.add_rule(rule(network="203.0.113.0/24", site="store"), WHY, OWNER)
    assert core.resume(pair, THIEF).session is not None
    assert not core.sessions.refuses(THIEF)


def test_a_rule_runs_out_by_itself(core):
    pair, _ = core.log_in(client=THIEF)
    rule_id = core.sessions.add_rule(Rule(60, network="203.0.113.0/24"), WHY, OWNER)
    assert core.resume(pair, THIEF).ended == "blocked"
    core.pass_time(61)
    assert core.resume(pair, THIEF).session is not None
    assert not core.sessions.lift_rule(rule_id, "ann@example.com", OWNER)


def test_refused_requests_are_counted_without_a_flood_of_writes(core):
    pair, _ = core.log_in(client=THIEF)
    core.sessions.add_rule(rule(network="203.0.113.0/24"), WHY, OWNER)
    for _ in range(5):
        core.resume(pair, THIEF)
    assert core.flags() == {"session_blocked": 5}
    [row] = core.sql("SELECT hits, last_hit_at IS NOT NULL AS hit FROM standing_rules")
    assert (row["hits"], row["hit"]) == (1, True)
    assert core.events().count("session_blocked") == 3


def test_no_login_slips_past_a_rule_that_is_made_meanwhile(core):
    for n in range(20):
        made, found = together(
            lambda n=n: core.sessions.add_rule(rule(network="203.0.113.0/24"), WHY, OWNER),
            lambda n=n: core.log_in(f"user{n}", THIEF),
        )
        assert isinstance(made, uuid.UUID)
        if not isinstance(found, SignInBlocked):
            assert core.resume(found[0], THIEF).ended == "blocked"
        core.sessions.lift_rule(made, "ann@example.com", OWNER)


def test_the_revocation_beside_it_ends_and_the_rule_keeps_ended(core):
    pair, started = core.log_in(client=THIEF)
    revocation_id = core.sessions.revoke(Scope(sessions=(started.session.id,)), WHY, OWNER)
    core.sessions.add_rule(rule(network="203.0.113.0/24"), WHY, OWNER, revocation_id)
    assert core.resume(pair, THIEF).ended == "incident"
    [row] = core.sql("SELECT revocation_id, reason_admin FROM standing_rules")
    assert (row["revocation_id"], row["reason_admin"]) == (revocation_id, "cookies leaked")


@pytest.mark.parametrize(
    "values",
    [{}, {"site": "store"}, {"device": "  "}, {"network": "no network"}, {"network": "192.0.2.1/24"}],
)
def test_an_invalid_rule_is_refused(values):
    with pytest.raises(ValueError, match=r".+"):
        rule(**values)


@pytest.mark.parametrize("seconds", [0, -1, 367 * 86400])
def test_a_rule_has_a_sensible_end(seconds):
    with pytest.raises(ValueError, match="year"):
        Rule(seconds, device="curl")


def test_an_admin_can_be_warned_of_a_rule_that_would_hit_the_maker():
    ann = uuid.uuid4()
    assert rule(network="203.0.113.0/24").matches(ann, "admin", THIEF)
    assert not rule(network="203.0.113.0/24").matches(ann, "admin", OWNER)
    assert not rule(network="203.0.113.0/24").matches(ann, "admin", Client(None))
    assert not rule(network="2001:db8::/32").matches(ann, "admin", THIEF)
    assert not rule(network="203.0.113.0/24", site="store").matches(ann, "admin", THIEF)
    assert not rule(user_id=uuid.uuid4()).matches(ann, "admin", THIEF)
    assert not rule(device="firefox").matches(ann, "admin", THIEF)


def test_a_provider_that_fails_otherwise_is_no_reason_to_let_in(core, monkeypatch):
    _, started = core.log_in("ann")
    core.sessions.add_rule(rule(user_id=started.session.user_id), WHY, OWNER)

    def fail(*_args, **_options):
        raise AuthorityUnavailable("garbled")

    monkeypatch.setattr(core.provider, "revoke", fail)
    with pytest.raises(SignInBlocked):
        core.log_in("ann")


def test_a_login_that_is_refused_before_the_password_counts_for_its_rule(core):
    rule = core.sessions.add_rule(Rule(seconds=60, network=THIEF.address), WHY, OWNER)
    assert core.sessions.refuses(THIEF)
    assert not core.sessions.refuses(OWNER)
    assert core.sql("SELECT id, hits FROM standing_rules") == [{"id": rule, "hits": 1}]
