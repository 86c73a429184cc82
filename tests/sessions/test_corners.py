"""Corner cases of the rules: attackers, slow networks, expired leases, a provider that refuses."""

import uuid

import pytest
from session_fixtures import OWNER, THIEF, SessionCore
from sqlalchemy import event
from support import person
from waiting import eventually

from shopforum.sessions import (
    AuthorityUnavailable,
    Reason,
    Refreshed,
    Rule,
    Scope,
    config,
    jobs,
    policy,
    revocation,
)
from shopforum.sessions.audit import Client
from shopforum.sessions.model import Outcome

WHY = Reason("admin", "carol", "suspected_theft")


def places(core: SessionCore) -> set[str]:
    return {row["address"] for row in core.sql("SELECT host(address) AS address FROM session_places")}


def test_a_slow_answer_to_a_refresh_that_was_repeated_meanwhile_is_no_replay(core):
    """One-time tokens: the first answer is under way for half a minute, another tab has fetched it again."""
    core.provider.one_time = True
    pair, _ = core.log_in()
    core.let_idle()
    slow = core.resume(pair).issue
    core.pass_time(11)
    again = core.resume(pair).issue
    assert core.resume(again).session is not None
    core.pass_time(20)
    assert core.resume(slow).session is not None  # it has arrived after all, and took the other's place
    core.pass_time(120)
    assert core.resume(slow).session is not None


def test_a_thief_who_sits_on_a_repeated_answer_is_found_at_the_next_rotation(core):
    core.provider.one_time = True
    pair, _ = core.log_in()
    core.let_idle()
    stolen = core.resume(pair, THIEF).issue
    core.pass_time(11)
    mine = core.resume(pair).issue
    assert core.resume(mine).session is not None
    core.pass_time(601)
    rotated = core.resume(mine).issue
    assert core.resume(rotated).session is not None
    core.pass_time(61)
    assert core.resume(stolen, THIEF).ended == "replayed"
    assert core.resume(rotated).session is None


def test_a_loser_whose_lease_ran_out_does_not_clear_the_winner_s_cookies(core):
    """A slow call is refused because another request has used the one-time token up meanwhile."""
    core.provider.one_time, core.provider.grace = True, False
    pair, outcome = core.log_in()
    core.let_idle()
    won: list[Outcome] = []

    def overtaken(token: str, user_id: uuid.UUID, client: Client) -> Refreshed:
        del core.provider.refresh  # the next call is answered at once
        core.sql("UPDATE sessions SET lease_until = now()")
        won.append(core.resume(pair))
        return core.provider.refresh(token, user_id)

    core.provider.refresh = overtaken
    late = core.resume(pair)
    assert won[0].issue is not None
    assert late.ended is None
    assert late.session.id == outcome.session.id
    assert late.issue is None


def test_a_thief_who_calls_it_a_prefetch_is_seen(core):
    """A4: the header is the client's word. It keeps the session from being extended, not the thief from the list."""
    pair, _ = core.log_in()
    before = core.sql("SELECT idle_end, last_seen_at FROM sessions")
    assert core.resume(pair, THIEF, touch=False).session is not None
    assert core.sql("SELECT idle_end, last_seen_at FROM sessions") == before
    assert places(core) == {OWNER.address, THIEF.address}


def test_a_thief_who_comes_once_to_refresh_is_seen(core):
    pair, _ = core.log_in()
    core.let_idle()
    assert core.resume(pair, THIEF).issue is not None
    core.resume(pair, OWNER)
    assert places(core) == {OWNER.address, THIEF.address}


def test_a_prefetch_refreshes_nothing(core):
    pair, _ = core.log_in()
    core.let_idle()
    with pytest.raises(AuthorityUnavailable):
        core.resume(pair, touch=False)
    assert core.provider.refreshes == []
    assert core.resume(pair).issue is not None


def test_made_up_agents_do_not_fill_the_database(core):
    pair, _ = core.log_in()
    for number in range(80):
        core.resume(pair, Client("203.0.113.9", f"agent {number}"))
    assert core.sql("SELECT count(*) AS n FROM session_places")[0]["n"] <= 60


def test_a_replay_s_audit_event_names_both_addresses(core):
    pair, _ = core.log_in()
    core.make_rotation_due()
    core.resume(core.resume(pair).issue)
    core.pass_grace()
    core.resume(pair, THIEF)
    [row] = core.sql(
        "SELECT host(address) AS address, detail::text FROM audit_log WHERE event = 'authn_token_reuse'"
    )
    assert row["address"] == THIEF.address
    assert OWNER.address in row["detail"]


def test_nobody_spares_a_session_that_another_has_ended(core_of):
    """The request of an admin who was revoked while it was under way brings nothing back."""
    console = core_of("admin", **{"sessions.renewable": "false"})
    pair, outcome = console.log_in("mallory")
    with console.sessions.db.transaction() as connection:  # its rows are marked later
        revocation.revoke(
            connection, Scope(user_id=outcome.session.user_id), WHY, OWNER, sites=("store", "forums")
        )
    assert console.resume(pair).session is None
    console.sessions.revoke(Scope(site="store"), WHY, OWNER, except_session=outcome.session.id)
    assert console.resume(pair).session is None


def test_the_provider_is_told_of_a_login_that_comes_after_the_marking(core):
    """A second factor takes minutes: the revocation has long been marked when the login is written."""
    user_id = core.users.setdefault("ann", uuid.uuid4())
    typed = core.sessions.login_start()
    core.sessions.revoke(Scope(user_id=user_id), WHY, OWNER)
    jobs.run_once(core.sessions)
    pair, _ = core.log_in("ann", since=typed)
    assert core.resume(pair).session is None
    for _ in range(2):
        jobs.run_once(core.sessions)
    assert pair.refresh_token not in core.provider.live


def stuck(core, people, error):
    """The sessions of so many people are ended while the provider is away; then it is back, but for the first, which
    raises the error. Returns that one's row.
    """
    outcomes = [core.log_in(f"user{number}")[1] for number in range(people)]
    core.provider.away = True
    for outcome in outcomes:
        core.sessions.revoke(Scope(sessions=(outcome.session.id,)), WHY, OWNER)
    core.provider.away = False
    [first] = core.sql("SELECT refresh_token_id AS token FROM revocation_outbox ORDER BY id LIMIT 1")
    good = core.provider.revoke

    def revoke(site: str, *, refresh_token_id: uuid.UUID, user_id: uuid.UUID | None) -> None:
        if refresh_token_id == first["token"]:
            raise error
        good(site, refresh_token_id=refresh_token_id, user_id=user_id)

    core.provider.revoke = revoke
    return first


def test_a_row_that_the_provider_never_takes_holds_up_no_other(core):
    bad = stuck(core, 5, AuthorityUnavailable("500"))
    for _ in range(4):
        core.pass_time(400)
        jobs.run_once(core.sessions)
    [left] = core.sql("SELECT refresh_token_id AS token FROM revocation_outbox WHERE done_at IS NULL")
    assert left == bad


def test_a_row_that_makes_us_fail_holds_up_no_other(core):
    """A fault of ours, not of the provider: it is raised, and the rows behind it go on."""
    bad = stuck(core, 3, KeyError("a fault"))
    core.pass_time(400)
    with pytest.raises(KeyError):
        jobs.run_once(core.sessions)
    jobs.run_once(core.sessions)
    [left] = core.sql("SELECT refresh_token_id AS token FROM revocation_outbox WHERE done_at IS NULL")
    assert left == bad


def test_a_new_key_asks_the_provider_for_nothing(core_of):
    """Two digests of one refresh token, under the old key and the new, are not two tokens."""
    old, new = "o" * 40, "n" * 40
    pair, _ = core_of("store", **{"sessions.secret": old}).log_in()
    core = core_of("store", **{"sessions.secret": f"{new} {old}"})
    core.make_rotation_due()
    assert core.resume(pair).issue is not None  # and the response is lost
    core.pass_time(11)
    assert core.resume(pair).session is not None
    assert core.provider.refreshes == []


def test_a_pair_in_its_grace_cannot_be_idle():
    """It would be refreshed, and only the newest pair may be."""
    settings = {"sessions.site": "store", "sessions.secret": "x" * 32, "sessions.idle": "100"}
    with pytest.raises(ValueError, match=r"sessions\.grace"):
        config.parse({**settings, "sessions.grace": "60", "sessions.touch_every": "60"})


def test_a_link_local_address_is_stored_without_its_interface(core):
    class Request:
        remote_addr = "fe80::1%eth0"
        environ: dict[str, str] = {}  # noqa: RUF012 - never changed

    pair, _ = core.log_in()
    assert core.resume(pair, policy.client_of(Request())).session is not None
    assert "fe80::1" in places(core)


def test_a_client_is_the_same_by_an_ipv4_and_an_ipv6_socket(core):
    """Or a rule against its network would not find it, and all of them would be one network."""

    class Request:
        remote_addr = "::ffff:203.0.113.66"
        environ: dict[str, str] = {}  # noqa: RUF012 - never changed

    client = policy.client_of(Request())
    assert client.address == "203.0.113.66"
    core.sessions.add_rule(Rule(3600, network="203.0.113.0/24"), WHY, OWNER)
    assert core.sessions.refuses(client)


def test_a_frozen_process_does_not_keep_others_from_revoking(core):
    """Its transaction holds the lock of all gates; the server ends it."""
    [row] = core.sql("SELECT current_setting('idle_in_transaction_session_timeout')::interval AS kept")
    assert 0 < row["kept"].total_seconds() <= 30


def test_a_statement_costs_one_round_trip(core):
    """No switching of a connection to autocommit and back around every statement."""
    core.sql("SELECT 1")
    with core.sessions.db.engine.connect() as connection:
        assert connection.connection.driver_connection.autocommit


@pytest.mark.parametrize("which", ["head", "replaced"])
def test_a_page_where_nothing_is_due_is_one_statement(core, which):
    """For a pair in its grace as well: its place is written down once, and not at each use."""
    pair, _ = core.log_in()
    if which == "replaced":
        core.make_rotation_due()
        core.resume(core.resume(pair).issue)
    assert core.resume(pair).session is not None
    statements = []

    def note(_connection, _cursor, statement, *_rest):
        statements.append(statement)

    event.listen(core.sessions.db.engine, "before_cursor_execute", note)
    try:
        core.resume(pair)
    finally:
        event.remove(core.sessions.db.engine, "before_cursor_execute", note)
    assert len([statement for statement in statements if not statement.startswith("PREPARE")]) == 1


def test_a_thief_who_waits_with_each_successor_until_the_owner_has_another_is_found(core):
    """He comes first when a rotation is due, shows what he got only when the owner has moved on, and lies about his
    browser. It looks like a late response, and the owner's next request finds the fork.
    """
    owner, _ = core.log_in()
    core.pass_time(601)
    held = core.resume(owner, OWNER).issue  # the thief's, under the owner's name
    assert core.resume(owner).issue is None
    core.pass_time(61)
    mine = core.resume(owner).issue
    assert core.resume(mine).session is not None
    core.pass_time(61)
    assert core.resume(held, OWNER).session is not None
    core.pass_time(61)
    assert core.resume(mine).ended == "replayed"
    assert core.resume(held).session is None


def test_a_visitor_s_login_takes_no_token_of_somebody_s_session(browser):
    """Login CSRF: the attacker's own form token is good for the attacker's session alone."""
    attacker, victim = browser("store"), browser("store")
    attacker.log_in("shopper")
    token = attacker.get("/shopping-cart").html.find("input", {"name": "csrf_token"})["value"]
    login = person("shopper")
    fields = {"email": login.email, "password": login.password, "csrf_token": token}
    answer = victim.post("/login", fields, status="*")
    assert answer.status_int == 403
    assert "__Host-session" not in victim.cookies


def test_a_touch_by_the_same_browser_changes_no_index(core):
    """It is the most frequent write there is: heap-only, although the browser used last can be looked up by an index."""

    def updates():
        core.sql("SELECT pg_stat_force_next_flush()")
        [row] = core.sql(
            "SELECT n_tup_upd AS all, n_tup_hot_upd AS hot FROM pg_stat_user_tables WHERE relname = 'sessions'"
        )
        return row["all"], row["hot"]

    # Each connection counts its own writes and reports them later, at the latest when it ends: here is only one, once all
    # others of this database are gone.
    core.sessions.db.engine.dispose()
    eventually(
        lambda: (
            core.sql(
                """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""
            )
            == []
        )
    )
    pair, _ = core.log_in()
    core.resume(pair)
    before = updates()
    for _ in range(3):
        # Other columns are in indexes.
        core.age("sessions.last_seen_at", 300)
        core.resume(pair)
    after = updates()
    assert after[0] - before[0] == after[1] - before[1] == 6
