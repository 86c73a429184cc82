"""The end of a binding, by the session core alone: the end of its session, and nothing else."""

from typing import Any

import pytest
from device_client import HERE, LIFE, Bound, over
from session_fixtures import OWNER, THIEF, SessionCore

from shopforum.sessions import Reason, Rule, Scope, binding_proof

DOUBT = Reason("admin", "ann@example.com", "suspected_theft")


def revoke(core: SessionCore, **reach: Any) -> None:
    core.sessions.revoke(Scope(**reach), DOUBT, OWNER)


ENDS = {
    "logout": lambda core, bound: core.sessions.logout(bound.login.session, OWNER),
    "a revocation": lambda core, bound: revoke(core, sessions=(bound.id,)),
    "of the user": lambda core, bound: revoke(core, user_id=bound.login.session.user_id),
    "of the user on the site": lambda core, bound: revoke(
        core, user_id=bound.login.session.user_id, site="store"
    ),
    "of the site": lambda core, _bound: revoke(core, site="store"),
    "of everyone": lambda core, _bound: revoke(core, everyone=True),
    "the absolute timeout": lambda core, _bound: core.pass_time(31 * 86400),
    "a login in its place": lambda core, bound: core.log_in("ann", replaced=bound.id),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_end_of_the_session_ends_the_binding(core, bound, end):
    challenge = bound.ask().challenge
    ENDS[end](core, bound)
    assert over(bound.ask(bound.device.renewal(challenge)))
    assert over(bound.ask())
    assert bound.resume().session is None
    # Nor is a key refused that nobody could have registered.
    assert over(core.sessions.bind(bound.pair, "nonsense", HERE, THIEF))
    assert "session_binding_refused" not in core.flags()


def test_a_session_that_ends_while_its_proof_is_judged_gets_no_cookie(core, bound, monkeypatch):
    Bound(core, "bob")
    judge = binding_proof.renewal

    def judge_late(*proof: Any) -> str:
        core.sessions.logout(bound.login.session, OWNER)
        return judge(*proof)

    monkeypatch.setattr(binding_proof, "renewal", judge_late)
    assert over(bound.ask(bound.device.renewal(bound.next)))
    assert core.sql("SELECT proofs FROM session_keys") == [{"proofs": 1}] * 2


def test_quarantine_is_no_end_of_the_binding(core, bound):
    core.sessions.quarantine([bound.id], DOUBT, OWNER)
    core.pass_time(LIFE + 6)
    assert bound.renew().cookie
    assert bound.resume().ended == "quarantined"
    core.sessions.release([bound.id], DOUBT, OWNER)
    assert bound.resume().session is not None


def test_a_deny_rule_is_no_end_of_the_binding(core, bound):
    """It refuses with the key, too. The key stays, and is good again when the rule is lifted."""
    rule = core.sessions.add_rule(Rule(seconds=3600, user_id=bound.login.session.user_id), DOUBT, OWNER)
    assert bound.resume().ended == "blocked"
    assert core.resume(bound.pair).ended == "without_key"
    core.pass_time(LIFE + 6)
    assert bound.renew().cookie
    assert bound.resume().ended == "blocked"
    core.sessions.lift_rule(rule, "ann@example.com", OWNER)
    assert bound.resume().session is not None


@pytest.mark.parametrize("hours", [1, -1], ids=["forward", "back"])
def test_a_clock_that_steps_signs_no_bound_browser_out(core, bound, hours):
    """As after a failover: a step forward costs a renewal, a step back none, and neither is a gift to a thief without the key."""
    core.pass_time(hours * 3600)
    assert core.resume(bound.pair, THIEF).ended == "without_key"
    assert (bound.resume().session is None) == (hours > 0)
    assert bound.renew().cookie
    assert bound.resume().session.id == bound.id
    core.pass_time(-hours * 3600)
    assert bound.renew().cookie
    assert bound.resume().session.id == bound.id
    assert core.flags() == {"session_used_without_key": 1 + (hours > 0)}
    assert core.sql("SELECT ended_at, quarantined_at FROM sessions") == [
        {"ended_at": None, "quarantined_at": None}
    ]
