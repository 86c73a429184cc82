"""Bound sessions, by the session core alone: once bound, a session is used with its key or not at all."""

from typing import Any

import pytest
from device_client import HERE, Bound, Device, over
from session_fixtures import OWNER, THIEF, SessionCore, together
from sqlalchemy import event

from shopforum.sessions import Reason, Rule, Scope, binding_proof
from shopforum.sessions.binding import Skipped
from shopforum.sessions.binding_proof import DeviceKey
from shopforum.sessions.model import Outcome, Pair
from shopforum.sessions.vocabulary import SkipReason

DOUBT = Reason("admin", "ann@example.com", "suspected_theft")
# Seconds that a bound cookie lives.
LIFE = 600


@pytest.fixture
def bound(core: SessionCore) -> Bound:
    return Bound(core)


def rows(core: SessionCore) -> list[Any]:
    """All of the session that a request could change."""
    return [core.sql(f"SELECT * FROM {table}") for table in ("sessions", "session_credentials")]


def test_a_bound_session_is_served_with_its_cookie(core, bound):
    assert bound.resume().session.id == bound.id
    assert core.events() == ["session_created", "session_bound"]
    [row] = core.sql("SELECT detail FROM audit_log WHERE event = 'session_bound'")
    assert set(row["detail"]) == {"algorithm", "key"}
    stored = {value for table in ("session_keys", "session_bound_cookies", "session_challenges", "audit_log")
              for row in core.sql(f"SELECT * FROM {table}") for value in map(str, row.values())}  # fmt: skip
    for secret in (bound.cookie, bound.next, bound.login.challenge, bound.pair.session_id):
        assert not [value for value in stored if secret in value]


@pytest.mark.parametrize("due", ["nothing", "a touch", "a successor", "a refresh", "another place"])
def test_without_the_cookie_nothing_is_served_extended_refreshed_or_rotated(core, bound, due):
    if due == "a touch":
        core.pass_time(300)
    if due == "a successor":
        core.make_rotation_due()
    if due == "a refresh":
        core.let_idle()
    before = rows(core)
    for n in range(1, 6):
        outcome = core.resume(bound.pair, THIEF if due == "another place" else OWNER)
        assert (outcome.session, outcome.issue, outcome.ended) == (None, None, "without_key")
        assert (outcome.withheld_session, outcome.spent) == (bound.id, False)
        assert core.flags() == {"session_used_without_key": n}
    assert rows(core) == before
    assert core.provider.refreshes == []
    assert core.events().count("session_used_without_key") == 3
    # And the owner notices nothing.
    assert bound.resume().session is not None


def test_the_cookie_ends_by_the_server_s_clock(core, bound):
    core.pass_time(LIFE - 1)
    assert bound.resume().session is not None
    core.pass_time(2)
    assert bound.resume().ended == "without_key"


def test_a_renewal_revokes_no_earlier_cookie(core, bound):
    first = bound.jar()
    core.pass_time(LIFE - 10)
    assert bound.renew().cookie
    assert core.resume(first).session is not None
    core.pass_time(11)
    assert core.resume(first).ended == "without_key"
    assert bound.resume().session is not None


def test_a_bound_cookie_counts_only_beside_the_pair_of_its_own_session(core, bound):
    other = Bound(core, "ann")
    unbound, _ = core.log_in("ann")
    mixed = Pair(bound.pair.session_id, bound.pair.refresh_token, other.cookie)
    assert core.resume(mixed).ended == "without_key"
    assert core.resume(Pair(None, None, bound.cookie)) == Outcome()
    assert core.resume(Pair(bound.pair.session_id, None, bound.cookie)).session is None
    assert core.resume(Pair(None, bound.pair.refresh_token, bound.cookie)).session is None
    assert core.resume(Pair(unbound.session_id, unbound.refresh_token, other.cookie)).session is not None


@pytest.mark.parametrize("one_time", [False, True], ids=["reusable", "one-time"])
def test_a_day_later_the_cookie_is_renewed_and_then_the_session_refreshed(core, bound, one_time):
    core.provider.one_time = one_time
    core.pass_time(86400)
    assert bound.resume().ended == "without_key"
    assert core.provider.refreshes == []
    assert bound.renew().cookie
    # The answer to the first refresh gets lost, and the browser sends the older cookies again.
    before = bound.pair
    outcome = bound.resume()
    assert (outcome.session.id, len(core.provider.refreshes)) == (bound.id, 1)
    bound.pair = before
    assert bound.resume().session.id == bound.id
    # What was refreshed keeps the key: the new pair is worth nothing without it.
    assert (outcome.issue.refresh_token != before.refresh_token) == one_time
    assert core.resume(outcome.issue).ended == "without_key"
    bound.pair = outcome.issue
    assert bound.resume().session.id == bound.id


def test_a_rotated_pair_keeps_the_key(core, bound):
    core.make_rotation_due()
    successor = bound.resume().issue
    assert core.resume(successor).ended == "without_key"
    assert bound.resume().session is not None
    assert core.sql("SELECT head FROM sessions") == [{"head": 2}]


def test_a_spent_pair_without_its_key_ends_nothing(core, bound):
    """A copied jar shows that it was copied; the browser's session goes on."""
    old = bound.pair
    core.make_rotation_due()
    bound.resume()
    bound.resume()
    core.pass_grace()
    assert core.resume(old, THIEF).ended == "without_key"
    assert bound.resume().session is not None
    # With the cookie there are two holders, and the session ends as any other does.
    assert core.resume(Pair(old.session_id, old.refresh_token, bound.cookie), THIEF).ended == "replayed"


def test_its_owner_can_end_it_without_the_key(core, bound):
    session = core.resume(bound.pair, touch=False, end=True).session
    assert session.id == bound.id
    core.sessions.logout(session, OWNER)
    assert bound.resume().ended == "logout"
    # A page that only says who is signed in shows nothing.
    other = Bound(core, "bob")
    assert core.resume(other.pair, touch=False, refresh=False).session is None


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
    assert rows(core)[0][0]["last_seen_at"]


def test_a_renewal_extends_nothing(core, bound):
    core.pass_time(900)
    before = rows(core)
    assert bound.renew().cookie
    assert rows(core) == before
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


def test_a_refused_registration_does_not_say_the_session_s_name(core, bound):
    """A thief with the cookies would ask for challenges under it, and push out those that the owner is about to sign."""
    for device in (bound.device, Device()):
        assert bound.register(bound.login.challenge, device, THIEF).identifier == ""
    pair, _ = core.log_in("bob")
    for proof in ("nonsense", Device().registration("c" * 43)):
        assert core.sessions.bind(pair, proof, HERE, THIEF).identifier == ""


def test_who_only_asks_pushes_out_no_challenge_of_the_key_s_holder(core, bound):
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


def test_a_second_registration_is_refused(core, bound):
    """A bound session gets no second key, neither with its cookies nor with any challenge."""
    before = core.sql("SELECT * FROM session_keys")
    thief = Device()
    for challenge in (bound.login.challenge, bound.next):
        assert over(bound.register(challenge, thief, THIEF))
    core.sql(
        "INSERT INTO session_challenges (hash, session_id, purpose, expires_at)"
        " VALUES (:hash, :id, 'registration', now() + interval '1 minute')",
        hash=core.sessions.config.secrets.digest("store", "challenge", "c" * 43),
        id=bound.id,
    )
    # Nor does a challenge to register renew anything.
    assert not bound.ask(bound.device.renewal("c" * 43)).cookie
    assert over(bound.register("c" * 43, thief, THIEF))
    assert core.sql("SELECT * FROM session_keys") == before
    assert core.flags() == {"session_binding_refused": 3}


def test_a_jar_that_was_copied_before_the_registration_is_worth_nothing_after_it(core):
    pair, login = core.log_in()
    # In the window the pair is served as it is; a thief has no challenge, so he cannot bind it.
    assert core.resume(pair, THIEF).session is not None
    for guess in ("c" * 43, pair.session_id):
        assert over(core.sessions.bind(pair, Device().registration(guess), HERE, THIEF))
    assert core.flags() == {"session_binding_refused": 2}
    [first, _] = core.sql("SELECT detail FROM audit_log WHERE event = 'session_binding_refused'")
    assert first["detail"] == {"why": "challenge"}
    assert core.sessions.bind(pair, Device().registration(login.challenge), HERE, OWNER).cookie
    assert core.resume(pair, THIEF).ended == "without_key"
    # The same address and the same browser's name do not help.
    assert core.resume(pair, OWNER).ended == "without_key"


def test_a_whole_jar_is_good_until_its_bound_cookie_ends(core, bound):
    jar = bound.jar()
    assert core.resume(jar, THIEF).session is not None
    challenge = core.sessions.renew_bound_cookie(
        bound.answer.identifier, bound.pair, None, HERE, THIEF
    ).challenge
    proof = Device().renewal(challenge)
    assert over(core.sessions.renew_bound_cookie(bound.answer.identifier, bound.pair, proof, HERE, THIEF))
    core.pass_time(LIFE + 1)
    bound.renew()
    assert core.resume(jar, THIEF).ended == "without_key"
    assert bound.resume().session is not None


def test_the_window_is_a_minute(core):
    pair, login = core.log_in()
    core.pass_time(61)
    assert over(core.sessions.bind(pair, Device().registration(login.challenge), HERE, OWNER))
    # A browser that cannot do it goes on as ever.
    assert core.resume(pair).session is not None
    assert core.flags() == {}


def test_a_registration_needs_the_pair_of_the_session(core):
    pair, login = core.log_in("ann")
    other, _ = core.log_in("bob")
    proof = Device().registration(login.challenge)
    for wrong in (other, Pair(), Pair(pair.session_id, None), Pair(None, pair.refresh_token)):
        assert over(core.sessions.bind(wrong, proof, HERE, THIEF))
    assert core.sessions.bind(pair, proof, HERE, OWNER).cookie


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
    core.pass_time(LIFE + 1)
    assert bound.renew().cookie
    assert bound.resume().ended == "quarantined"
    core.sessions.release([bound.id], DOUBT, OWNER)
    assert bound.resume().session is not None


def test_a_deny_rule_is_no_end_of_the_binding(core, bound):
    """It refuses with the key, too. The key stays, and is good again when the rule is lifted."""
    rule = core.sessions.add_rule(Rule(seconds=3600, user_id=bound.login.session.user_id), DOUBT, OWNER)
    assert bound.resume().ended == "blocked"
    assert core.resume(bound.pair).ended == "without_key"
    core.pass_time(LIFE + 1)
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


def test_no_key_is_registered_in_quarantine(core):
    pair, login = core.log_in()
    core.sessions.quarantine([login.session.id], DOUBT, OWNER)
    assert over(core.sessions.bind(pair, Device().registration(login.challenge), HERE, OWNER))
    # The browser has done nothing wrong.
    assert core.flags() == {}


def test_a_late_answer_sets_no_cookie_over_another_session_s(core, bound):
    """The browser has signed in again meanwhile, and both sessions name their bound cookie alike."""
    newer = Bound(core, "ann")
    proof = bound.device.renewal(bound.next)
    assert over(core.sessions.renew_bound_cookie(bound.answer.identifier, newer.pair, proof, HERE, OWNER))
    # Without cookies it is renewed: browsers send none before they follow another site's link.
    assert core.sessions.renew_bound_cookie(bound.answer.identifier, Pair(), proof, HERE, OWNER).cookie


@pytest.mark.parametrize("reason", SkipReason)
def test_why_the_browser_did_not_renew_is_kept_and_prevents_nothing(core, bound, reason):
    answer = core.resume(
        bound.pair, skipped=[Skipped(SkipReason.UNREACHABLE, "SID"), Skipped(reason, bound.answer.identifier)]
    )
    assert answer.session is None
    assert answer.ended.startswith("without_key_")
    [row] = core.sql("SELECT skipped_reason, skipped_at FROM session_keys")
    assert row["skipped_reason"] == reason
    assert row["skipped_at"]


def test_a_thief_s_reason_is_not_kept(core, bound):
    other = Bound(core, "bob")
    for name in ("SID", str(bound.id), other.answer.identifier):
        answer = core.resume(bound.pair, THIEF, skipped=[Skipped(SkipReason.SERVER_ERROR, name)])
        assert answer.ended == "without_key"
    assert {row["skipped_reason"] for row in core.sql("SELECT skipped_reason FROM session_keys")} == {None}


def test_off_offers_nothing_and_frees_no_bound_session(core, core_of):
    bound = Bound(core)
    off = core_of(**{"sessions.binding": "off"})
    off.users = core.users
    pair, login = off.log_in("bob")
    assert login.challenge is None
    assert core.sql("SELECT bindable_until FROM sessions WHERE id = :id", id=login.session.id) == [
        {"bindable_until": None}
    ]
    assert off.resume(bound.pair).ended == "without_key"
    bound.core = off
    assert bound.renew().cookie
    assert bound.resume().session is not None
    ready, late = core.log_in("eve")
    assert over(off.sessions.bind(ready, Device().registration(late.challenge), HERE, OWNER))
    assert off.resume(pair).session is not None


def test_a_login_costs_the_same_statements_offered_or_not(core, core_of):
    off = core_of(**{"sessions.binding": "off"})
    counted = []
    for one in (core, off):
        statements: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any, into: Any = statements) -> None:
            into.append(statement)

        event.listen(one.sessions.db.engine, "before_cursor_execute", note)
        pair, _ = one.log_in("ann")
        one.resume(pair)
        event.remove(one.sessions.db.engine, "before_cursor_execute", note)
        counted.append([statement for statement in statements if not statement.startswith("PREPARE")])
    assert counted[0] == counted[1]


def test_require_asks_a_login_without_a_key_for_the_password_after_a_minute(core_of):
    core = core_of(**{"sessions.binding": "require"})
    bound, (pair, login) = Bound(core, "bob"), core.log_in("ann")
    core.pass_time(59)
    assert core.resume(pair).session is not None
    core.pass_time(2)
    for _ in range(2):
        outcome = core.resume(pair)
        assert (outcome.session, outcome.ended, outcome.withheld_session) == (
            None,
            "not_bound",
            login.session.id,
        )
    assert core.sql("SELECT quarantine_reason FROM sessions WHERE quarantined_at IS NOT NULL") == [
        {"quarantine_reason": "not_bound"}
    ]
    assert bound.resume().session is not None


def test_require_holds_for_sessions_that_were_never_asked(core_of):
    pair, _ = core_of(**{"sessions.binding": "off"}).log_in()
    assert core_of(**{"sessions.binding": "require"}).resume(pair).ended == "not_bound"


def test_forty_tabs_after_one_renewal(core, bound):
    core.pass_time(LIFE + 1)
    bound.renew()
    jar = bound.jar()
    outcomes = together(*[lambda: core.resume(jar)] * 40)
    assert [outcome.session.id for outcome in outcomes] == [bound.id] * 40
    assert core.sql("SELECT proofs FROM session_keys") == [{"proofs": 2}]


def test_a_lost_answer_to_a_renewal_costs_another_one(core, bound):
    core.pass_time(LIFE - 5)
    assert bound.ask(bound.device.renewal(bound.next)).cookie
    # The browser has seen nothing of it: it still shows the older cookie, and signs the older challenge.
    assert bound.resume().session is not None
    assert bound.renew().cookie
    assert bound.resume().session is not None


def test_a_lost_answer_to_the_registration_costs_the_password_once(core):
    """The browser knows nothing of its binding. It is not locked out, and its next login is bound anew."""
    pair, login = core.log_in()
    assert core.sessions.bind(pair, Device().registration(login.challenge), HERE, OWNER).cookie
    outcome = core.resume(pair)
    assert (outcome.ended, outcome.withheld_session, outcome.spent) == (
        "without_key",
        login.session.id,
        False,
    )
    pair, again = core.log_in(replaced=outcome.withheld_session)
    assert core.resume(pair).session.id == again.session.id
    assert core.sessions.bind(pair, Device().registration(again.challenge), HERE, OWNER).cookie
    assert core.sql("SELECT end_reason FROM sessions WHERE ended_at IS NOT NULL") == [
        {"end_reason": "superseded"}
    ]


def test_a_thief_s_faster_key_costs_the_owner_the_password_once(core):
    """He has the cookies and the challenge in the first second. The owner's refused key is counted, the next login ends him."""
    pair, login = core.log_in()
    thief = core.sessions.bind(pair, Device().registration(login.challenge), HERE, THIEF)
    robbed = Pair(pair.session_id, pair.refresh_token, thief.cookie)
    assert core.resume(robbed, THIEF).session is not None
    assert over(core.sessions.bind(pair, Device().registration(login.challenge), HERE, OWNER))
    assert core.flags() == {"session_binding_refused": 1}
    core.log_in(replaced=core.resume(pair).withheld_session)
    assert core.resume(robbed, THIEF).session is None
    assert over(core.sessions.renew_bound_cookie(thief.identifier, robbed, None, HERE, THIEF))


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
