"""The registration of a key, by the session core alone: once, at its login, by the browser that has logged in."""

from device_client import HERE, Device, over
from session_fixtures import OWNER, THIEF

from shopforum.sessions import Reason
from shopforum.sessions.model import Pair

DOUBT = Reason("admin", "ann@example.com", "suspected_theft")


def test_a_refused_registration_does_not_say_the_session_s_name(core, bound):
    """A thief with the cookies would ask for challenges under it, and push out those that the owner is about to sign."""
    for device in (bound.device, Device()):
        assert bound.register(bound.login.challenge, device, THIEF).identifier == ""
    pair, _ = core.log_in("bob")
    for proof in ("nonsense", Device().registration("c" * 43)):
        assert core.sessions.bind(pair, proof, HERE, THIEF).identifier == ""


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


def test_no_key_is_registered_in_quarantine(core):
    pair, login = core.log_in()
    core.sessions.quarantine([login.session.id], DOUBT, OWNER)
    assert over(core.sessions.bind(pair, Device().registration(login.challenge), HERE, OWNER))
    # The browser has done nothing wrong.
    assert core.flags() == {}


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
