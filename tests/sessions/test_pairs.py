"""The two-cookie rule: a session id is good only beside the refresh token that it was issued with."""

import uuid
from dataclasses import replace

import pytest
from session_fixtures import OWNER, THIEF
from sqlalchemy import text

from shopforum.sessions import unmatched_cookies
from shopforum.sessions.keyring import new_session_id
from shopforum.sessions.model import Outcome, Pair


def test_the_pair_is_served(core):
    pair, _ = core.log_in()
    outcome = core.resume(pair)
    assert outcome.session is not None
    assert outcome.session.user_name == "Ann"
    assert outcome.session.roles == {"shopper"}
    assert outcome.issue is None


def test_a_session_id_alone_is_refused_flagged_and_extends_nothing(core):
    pair, _ = core.log_in()
    core.pass_time(300)
    before = core.sql("SELECT idle_end, last_seen_at FROM sessions")
    assert core.resume(Pair(pair.session_id, None), THIEF).session is None
    assert core.sql("SELECT idle_end, last_seen_at FROM sessions") == before
    assert core.flags() == {"session_without_refresh_token": 1}
    assert core.provider.refreshes == []
    assert core.resume(pair).session is not None


@pytest.mark.parametrize("session_id", [None, "z" * 43])
def test_a_refresh_token_alone_never_reaches_the_provider(core, session_id):
    pair, _ = core.log_in()
    core.let_idle()
    assert core.resume(Pair(session_id, pair.refresh_token), THIEF).session is None
    assert core.provider.refreshes == []
    assert core.flags() == {"refresh_without_session": 1}
    assert core.events() == ["session_created", "refresh_without_session"]


def test_halves_of_two_people_do_not_make_a_pair(core):
    ann, _ = core.log_in("ann")
    bob, _ = core.log_in("bob")
    assert core.resume(Pair(ann.session_id, bob.refresh_token)).session is None
    assert core.resume(Pair(bob.session_id, ann.refresh_token)).session is None
    assert core.resume(ann).session.user_name == "Ann"


def test_another_site_knows_neither_half(core_of):
    store, forums = core_of("store"), core_of("forums")
    pair, _ = store.log_in()
    assert forums.resume(pair).session is None
    assert forums.flags() == {"cross_app_token": 1}
    assert forums.provider.refreshes == []
    assert store.resume(pair).session is not None


def test_a_flood_of_tries_is_counted_in_one_row_and_leaves_few_events(core):
    pair, _ = core.log_in()
    for _ in range(20):
        core.resume(Pair(pair.session_id, None), THIEF)
    assert core.flags() == {"session_without_refresh_token": 20}
    # At 1, 2, 4, 8 and 16.
    assert core.events().count("session_without_refresh_token") == 5
    [row] = core.sql("SELECT host(last_address) AS address, last_agent FROM session_flags")
    assert (row["address"], row["last_agent"]) == (THIEF.address, THIEF.agent)


def test_a_second_place_is_seen_beside_the_first(core):
    """A4: both cookies copied. The console has two addresses and two browsers to show."""
    pair, _ = core.log_in()
    assert core.resume(pair, THIEF).session is not None
    places = core.sql("SELECT host(address) AS address, agent FROM session_places ORDER BY first_at")
    assert [(p["address"], p["agent"]) for p in places] == [
        (OWNER.address, OWNER.agent),
        (THIEF.address, THIEF.agent),
    ]


def test_a_form_of_another_session_touches_nothing(core):
    pair, outcome = core.log_in()
    core.let_idle()
    other = core.resume(pair, only=uuid.uuid4())
    assert other.session is not None
    assert other.session.id == outcome.session.id
    assert core.provider.refreshes == []
    assert core.sql("SELECT 1 FROM sessions WHERE idle_end > now()") == []


def test_a_row_forged_in_the_database_is_no_session_without_the_key(core):
    """Write access to the database makes no session without the key: a plain hash matches nothing."""
    import hashlib

    pair, outcome = core.log_in()
    forged, token = new_session_id(), "forged-refresh-token"
    core.sessions.db.all(
        text(
            "INSERT INTO session_credentials (session_hash, session_id, number, parent, refresh_hash, why) "
            "VALUES (:sid, :id, 2, 1, :rt, 'forged')"
        ),
        sid=hashlib.sha256(forged.encode()).digest(),
        id=outcome.session.id,
        rt=hashlib.sha256(token.encode()).digest(),
    )
    assert core.resume(Pair(forged, token)).session is None
    assert core.resume(pair).session is not None


def test_a_made_up_session_id_is_noted_once_a_network(core):
    """OWASP's strict session management: never adopted, and suspicious; but nobody writes the log full."""
    neighbour = replace(THIEF, address="203.0.113.67")
    for client in (THIEF, THIEF, neighbour, OWNER):
        assert core.resume(Pair(new_session_id(), "made-up-token"), client) == Outcome()
    assert core.events() == ["strict_session_violation"] * 2
    core.sql("ALTER TABLE audit_log DISABLE TRIGGER USER")
    core.pass_time(61 * 60)
    core.sql("ALTER TABLE audit_log ENABLE TRIGGER USER")
    core.resume(Pair(new_session_id()), THIEF)
    assert core.events() == ["strict_session_violation"] * 3


def test_however_many_networks_made_up_ids_come_from_the_log_gets_sixty_rows_a_minute(core):
    for n in range(70):
        core.resume(Pair(new_session_id()), replace(THIEF, address=f"198.51.{n}.1"))
    assert core.events() == ["strict_session_violation"] * 60


def test_a_session_id_that_comes_to_another_site_is_told_of_its_session(core_of):
    store, forums = core_of("store"), core_of("forums")
    pair, started = store.log_in()
    assert forums.resume(pair, THIEF) == Outcome()
    assert forums.resume(Pair(pair.session_id), THIEF) == Outcome()
    [flag] = store.sql("SELECT session_id, kind, count FROM session_flags")
    assert tuple(flag.values()) == (started.session.id, "cross_app_token", 2)
    [event] = store.sql(
        "SELECT site FROM audit_log WHERE event = 'cross_app_token' AND detail = '{}' LIMIT 1"
    )
    assert event["site"] == "forums"
    assert store.resume(pair).session is not None


def test_an_older_token_of_the_same_session_is_no_second_theft(core):
    core.provider.one_time = True
    old, _ = core.log_in()
    core.let_idle()
    new = core.resume(old).issue
    assert core.resume(Pair(new.session_id, old.refresh_token), THIEF).session is None
    assert core.flags() == {"session_without_refresh_token": 1}


def test_invented_session_ids_leave_one_row_for_each_network_and_sixty_a_minute(core):
    def invented() -> int:
        return core.events().count("strict_session_violation")

    for number in range(62):
        for _ in range(2):
            core.resume(Pair(new_session_id()), replace(THIEF, address=f"198.51.{number}.1"))
    assert invented() == 60
    core.pass_time(61)
    core.resume(Pair(new_session_id()), replace(THIEF, address="198.51.100.1"))
    assert invented() == 61
    # Another event has its own count.
    unmatched_cookies.note_sent_twice(core.sessions.context, ["__Host-session"], THIEF)
    core.resume(Pair(new_session_id()), THIEF)
    assert (core.events().count("cookie_duplicate"), invented()) == (1, 62)
