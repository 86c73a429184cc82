"""Successors that somebody asked for from elsewhere and never showed."""

from dataclasses import replace

from session_fixtures import OWNER, THIEF


def test_a_thief_who_asks_and_shows_nothing_is_shown(core):
    pair, outcome = core.log_in()
    ids = [outcome.session.id]
    core.make_rotation_due()
    assert core.resume(pair, THIEF).issue is not None
    assert core.sessions.unclaimed(ids) == [], "it may still be under way"
    core.pass_time(61)
    assert core.resume(pair, THIEF).issue is not None
    core.pass_time(61)
    [asked] = core.sessions.unclaimed(ids)
    assert (asked.session_id, asked.address, asked.agent, asked.times) == (
        ids[0],
        THIEF.address,
        THIEF.agent,
        2,
    )


def test_a_lost_response_of_the_browser_itself_is_no_sign(core):
    """Nor one after an update, in the same network, or over the other family of addresses."""
    firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
    owner = replace(OWNER, agent=firefox.format(140))
    pair, outcome = core.log_in(client=owner)
    for address in (OWNER.address, "192.0.2.99", "2001:db8::1"):
        core.make_rotation_due()
        core.resume(pair, replace(owner, address=address, agent=firefox.format(141)))
    core.pass_time(61)
    assert core.sessions.unclaimed([outcome.session.id]) == []
    # Another network is one, and so is another browser in the same network.
    for client in (replace(owner, address="203.0.113.1"), replace(owner, agent="curl/8.5.0")):
        core.make_rotation_due()
        core.resume(pair, client)
    core.pass_time(61)
    asked = core.sessions.unclaimed([outcome.session.id])
    assert {(each.address, each.agent, each.times) for each in asked} == {
        ("203.0.113.1", owner.agent, 1),
        (OWNER.address, "curl/8.5.0", 1),
    }


def test_a_successor_that_was_shown_in_the_end_is_no_sign(core):
    pair, outcome = core.log_in()
    core.make_rotation_due()
    successor = core.resume(pair, THIEF).issue
    core.pass_time(61)
    core.resume(successor, THIEF)
    assert core.sessions.unclaimed([outcome.session.id]) == []
    assert core.sessions.unclaimed([]) == []


def test_one_asker_of_several_pairs_is_one_line_and_other_sessions_have_their_own(core):
    """Each pair was first shown from another place of the owner's."""
    pair, outcome = core.log_in()
    moved = replace(OWNER, address="198.51.100.7")
    for place in (OWNER, moved):
        core.make_rotation_due()
        assert core.resume(pair, THIEF).issue is not None
        core.pass_time(61)
        core.make_rotation_due()
        pair = core.resume(pair, place).issue
        core.resume(pair, moved)
    other, started = core.log_in("bob")
    core.make_rotation_due()
    core.resume(other, THIEF)
    core.pass_time(61)
    [asked] = core.sessions.unclaimed([outcome.session.id])
    assert (asked.address, asked.times) == (THIEF.address, 2)
    latest = core.sql(
        "SELECT max(created_at) AS at FROM session_credentials WHERE session_id = :id AND seen_at IS NULL",
        id=asked.session_id,
    )
    assert asked.last_at == latest[0]["at"]
    assert {each.session_id for each in core.sessions.unclaimed([asked.session_id, started.session.id])} == {
        asked.session_id,
        started.session.id,
    }
