"""The renewal of a bound cookie, by the session core alone: which proofs and challenges are good, and for whom."""

from typing import Any

import pytest
from device_client import HERE, LIFE, Bound, Device, over
from session_fixtures import OWNER, THIEF
from sqlalchemy import event

from shopforum.sessions.binding_proof import DeviceKey
from shopforum.sessions.model import Pair


def test_a_renewal_revokes_no_earlier_cookie(core, bound):
    first = bound.jar()
    core.pass_time(LIFE - 10)
    assert bound.renew().cookie
    assert core.resume(first).session is not None
    core.pass_time(16)
    assert core.resume(first).ended == "without_key"
    assert bound.resume().session is not None


def test_a_renewal_costs_two_statements_and_asks_nobody(core, bound):
    core.provider.away = True
    statements: list[str] = []
    engine = core.sessions.db.engine

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert bound.ask(bound.device.renewal(bound.next)).cookie
        assert len(statements) == 2
        assert bound.ask().challenge
        assert len(statements) == 4
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert core.rows()[0][0]["last_seen_at"]


def test_a_renewal_extends_nothing(core, bound):
    core.pass_time(900)
    before = core.rows()
    assert bound.renew().cookie
    assert core.rows() == before
    [row] = core.sql("SELECT proofs FROM session_keys")
    assert row["proofs"] == 2


def test_a_challenge_is_good_once(core, bound):
    proof = bound.device.renewal(bound.next)
    assert bound.ask(proof).cookie
    for _ in range(3):
        again = bound.ask(proof)
        assert (again.cookie, bool(again.challenge)) == (None, True)
    # An honest browser sends a proof again when the answer got lost: no sign of a thief.
    assert core.flags() == {}


def test_the_last_five_challenges_are_good_and_no_older_one(core, bound):
    asked = [bound.ask().challenge for _ in range(7)]
    assert len(core.sql("SELECT 1 FROM session_challenges WHERE purpose = 'asked'")) == 5
    # Each brings a challenge of its own, which makes room for itself.
    assert [bool(bound.ask(bound.device.renewal(c)).cookie) for c in (asked[6], asked[5])] == [True, True]
    assert not bound.ask(bound.device.renewal(asked[0])).cookie
    # And so it is with those that come with a cookie.
    first = bound.next
    fresh = iter([bound.ask().challenge for _ in range(5)])
    given = [bound.ask(bound.device.renewal(challenge)).challenge for challenge in fresh]
    assert len(core.sql("SELECT 1 FROM session_challenges WHERE purpose = 'renewal'")) == 5
    assert not bound.ask(bound.device.renewal(first)).cookie
    assert [bool(bound.ask(bound.device.renewal(c)).cookie) for c in (given[0], given[4])] == [True, True]


def test_the_oldest_of_five_challenges_is_as_good_as_the_newest(core, bound):
    asked = [bound.ask().challenge for _ in range(5)]
    assert bound.ask(bound.device.renewal(asked[0])).cookie


def test_the_challenges_of_one_session_push_out_none_of_another_s(core, bound):
    other = Bound(core, "bob")
    for _ in range(7):
        bound.ask()
    assert bound.renew().cookie
    assert other.ask(other.device.renewal(other.next)).cookie


def test_a_challenge_ends_by_itself(core, bound):
    proof = bound.device.renewal(bound.next)
    core.pass_time(LIFE + 301)
    assert not bound.ask(proof).cookie


def test_a_challenge_is_good_for_its_session_and_purpose_alone(core, bound):
    other = Bound(core, "bob")
    assert not bound.ask(bound.device.renewal(other.next)).cookie
    assert other.ask(other.device.renewal(other.next)).cookie
    pair, login = core.log_in("eve")
    fresh = core.sessions.bind(pair, bound.device.registration(bound.next), HERE, OWNER)
    assert over(fresh)
    assert core.resume(pair).session.id == login.session.id
    assert not bound.ask(bound.device.renewal(login.challenge)).cookie
    assert core.sessions.bind(pair, Device().registration(login.challenge), HERE, OWNER).cookie


def test_an_identifier_that_nobody_was_given_finds_nothing(core, bound):
    proof = bound.device.renewal(bound.next)
    ours = bound.answer.identifier
    for name in ("", "SID", str(bound.id), f"{bound.id}.{'A' * 43}", ours + "A", ours[:-1] + "\xe9"):
        assert over(core.sessions.renew_bound_cookie(name, bound.pair, proof, HERE, OWNER))
    pair, login = core.log_in("bob")
    # Nor does the name of an unbound session.
    name = DeviceKey("ES256", b"").identifier(login.session.id)
    assert over(core.sessions.renew_bound_cookie(name, pair, proof, HERE, OWNER))


def test_requests_without_a_proof_push_out_no_challenge_of_the_key_s_holder(core, bound):
    for _ in range(20):
        assert bound.ask(client=THIEF).challenge
    assert len(core.sql("SELECT 1 FROM session_challenges WHERE purpose = 'asked'")) == 5
    assert bound.ask(bound.device.renewal(bound.next)).cookie


def test_a_key_that_signs_without_end_keeps_twenty_cookies(core, bound):
    """As a program with a key in software may: the table has a bound, and the latest cookies are good."""
    other = Bound(core, "bob")
    for _ in range(25):
        assert bound.renew().cookie
    rows = core.sql("SELECT count(*) AS n FROM session_bound_cookies GROUP BY session_id ORDER BY n")
    assert [row["n"] for row in rows] == [1, 20]
    assert bound.resume().session is not None
    assert other.resume().session is not None


def test_an_identifier_of_one_site_is_unknown_to_another(core_of):
    store, forums = core_of("store"), core_of("forums")
    bound = Bound(store)
    assert over(forums.sessions.renew_bound_cookie(bound.answer.identifier, bound.pair, None, HERE, OWNER))


ATTACKS = {
    "another key": lambda bound: Device().renewal(bound.next),
    "a key of his own in the header": lambda bound: Device().registration(bound.next),
    "the right key in the header": lambda bound: bound.device.registration(bound.next),
    "no signature": lambda bound: bound.device.renewal(bound.next).rpartition(".")[0] + ".",
    "alg none": lambda bound: bound.device.renewal(bound.next, alg="none"),
    "nonsense": lambda _bound: "nonsense",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_bad_proof_is_refused_and_counted(core, bound, attack):
    assert over(bound.ask(ATTACKS[attack](bound), THIEF))
    assert core.flags() == {"session_binding_refused": 1}
    [row] = core.sql(
        "SELECT detail, host(address) AS address FROM audit_log WHERE event = 'session_binding_refused'"
    )
    assert row["address"] == THIEF.address
    assert row["detail"]["why"]
    assert bound.renew().cookie


def test_a_late_answer_sets_no_cookie_over_another_session_s(core, bound):
    """The browser has signed in again meanwhile, and both sessions name their bound cookie alike."""
    newer = Bound(core, "ann")
    proof = bound.device.renewal(bound.next)
    assert over(core.sessions.renew_bound_cookie(bound.answer.identifier, newer.pair, proof, HERE, OWNER))
    # Without cookies it is renewed: browsers send none before they follow another site's link.
    assert core.sessions.renew_bound_cookie(bound.answer.identifier, Pair(), proof, HERE, OWNER).cookie


def test_a_lost_answer_to_a_renewal_costs_another_one(core, bound):
    core.pass_time(LIFE - 5)
    assert bound.ask(bound.device.renewal(bound.next)).cookie
    # The browser has seen nothing of it: it still shows the older cookie, and signs the older challenge.
    assert bound.resume().session is not None
    assert bound.renew().cookie
    assert bound.resume().session is not None


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_both_algorithms_bind_and_renew(core, algorithm):
    bound = Bound(core, algorithm=algorithm)
    assert bound.renew().cookie
    assert core.sql("SELECT algorithm FROM session_keys") == [{"algorithm": algorithm}]


def test_a_key_of_the_site_that_is_replaced_ends_no_binding(core, core_of):
    bound = Bound(core)
    old = core.sessions.config
    secret = "newer-0123456789-0123456789-0123456789-0123 core-tests-0123456789-0123456789-0123456789"
    newer = core_of(**{"sessions.secret": secret})
    assert newer.sessions.config.secrets is not old.secrets
    bound.core = newer
    assert bound.resume().session is not None
    assert bound.renew().cookie
    # The pair moves to the new key with a rotation, and then the old one may go. The browser keeps the session's name.
    newer.make_rotation_due()
    for _ in range(2):
        bound.resume()
    bound.core = core_of(**{"sessions.secret": secret.split(maxsplit=1)[0]})
    assert bound.resume().session is not None
    assert bound.renew().cookie
    newer.sql("DELETE FROM session_bound_cookies")
    newer.sql("DELETE FROM session_challenges")
    assert bound.renew().cookie
    assert bound.resume().session is not None
