"""Reading, over the sample sessions and a real PostgreSQL."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, insert, select, text
from sqlalchemy.exc import DBAPIError

from shopforum.admin import chart
from shopforum.core import user_agents
from shopforum.core.read_only_database import ReadOnlyDatabase, TooSlow
from shopforum.operations import audit_queries, counts, labels, overview, plans, session_queries, user_queries
from shopforum.operations.filters import AuditFilter, SessionFilter
from shopforum.operations.targets import Target
from shopforum.sessions import Scope, revocation, tables
from shopforum.sessions.live import GATED_AMONG_MANY, STATE, STATE_AMONG_MANY


def parse_filter(**fields: str) -> SessionFilter:
    return SessionFilter.parse(fields)


def matching_ids(db: ReadOnlyDatabase, form: SessionFilter) -> set[UUID]:
    rows = db.all(select(session_queries.s.c.id).where(*session_queries.conditions(db, form)))
    return {row["id"] for row in rows}


@pytest.fixture(scope="session")
def everything(sampled: Engine) -> list[Any]:
    """Every session of the sample with its state, flags and places, read without the console's queries."""
    with sampled.connect() as connection:
        rows = connection.execute(
            text(
                f"""SELECT s.*, {STATE} AS state, CASE WHEN bound_at IS NULL THEN 'unbound' ELSE 'bound' END AS binding,
                ARRAY(SELECT kind FROM session_flags f WHERE f.session_id = s.id AND dismissed_at IS NULL) AS flags,
                ARRAY(SELECT kind FROM session_flags f WHERE f.session_id = s.id) AS tries,
                ARRAY(SELECT host(address) FROM session_places p WHERE p.session_id = s.id) AS addresses,
                ARRAY(SELECT agent FROM session_places p WHERE p.session_id = s.id) AS agents
                FROM sessions s"""
            )
        )
        return list(rows.mappings())


def test_the_tabs_are_the_states_of_the_session_core(read_db: ReadOnlyDatabase, everything: list[Any]):
    shown = counts.on_tabs(read_db, [])
    states = Counter(row["state"] for row in everything)
    assert min(states[state] for state in labels.STATES) > 50, "the sample has every state"
    flagged = sum(bool(row["flags"]) for row in everything)
    counted = {**states, "flagged": flagged, "": len(everything)}
    assert dict(shown.numbers) == counted
    assert shown.exact
    for state in labels.STATES:
        assert counts.count(read_db, session_queries.in_state(read_db, state)) == states[state]
    for state in labels.STATES:
        assert matching_ids(read_db, parse_filter(state=state)) == {
            r["id"] for r in everything if r["state"] == state
        }


@pytest.mark.parametrize(
    "key", ["everyone", "site:store", "user:{user}", "user:{user}@forums", "user:nobody"]
)
def test_the_tabs_follow_every_kind_of_gate(sampled: Engine, everything: list[Any], key: str):
    key = key.format(user=Counter(row["user_id"] for row in everything).most_common(1)[0][0])
    state = text(f"SELECT s.id, {STATE} AS state FROM sessions s")
    with sampled.connect() as connection:
        before = Counter(row.state for row in connection.execute(state))
        gate = insert(tables.gates).values(key=key, epoch=1)
        connection.execute(gate.values(revocation_id=uuid4()))
        rows = list(connection.execute(state))
        for name in labels.STATES:
            found = connection.execute(
                select(session_queries.s.c.id).where(session_queries.STATES[name])
            ).scalars()
            assert set(found) == {row.id for row in rows if row.state == name}
        closed = Counter(row.state for row in rows)["revoked"] - before["revoked"]
        assert closed == 0 if key == "user:nobody" else closed > 0
        connection.rollback()


@pytest.mark.parametrize("others", [0, 999, 4000])
def test_no_number_of_user_gates_makes_a_list_slow_or_wrong(
    sampled: Engine, everything: list[Any], others: int
):
    """Of many gates, those of the sessions in question are looked up by their keys, and the others are not read."""
    user = Counter(row["user_id"] for row in everything).most_common(1)[0][0]
    gates = text(
        """INSERT INTO revocation_gates (key, epoch, revocation_id) SELECT 'user:' || gen_random_uuid(), 1, gen_random_uuid()
        FROM generate_series(1, :others) UNION ALL SELECT 'user:' || :user, 1, gen_random_uuid()"""
    )
    with sampled.connect() as connection:
        connection.execute(gates, {"others": others, "user": str(user)})
        connection.execute(text("ANALYZE revocation_gates"))
        states = f"SELECT count(*) FROM sessions s WHERE {STATE_AMONG_MANY} <> {STATE}"
        assert connection.execute(text(states)).scalar_one() == 0
        gated = f"SELECT count(*) FROM sessions s WHERE s.user_id = '{user}' AND {GATED_AMONG_MANY}"
        assert connection.execute(text(gated)).scalar_one() > 0
        explained = f"EXPLAIN (ANALYZE, FORMAT JSON) SELECT {STATE_AMONG_MANY} FROM sessions s"
        [[plan]] = connection.execute(text(explained)).scalars()
        connection.rollback()
    read = list(_rows_read(plan["Plan"], "revocation_gates"))
    assert read
    assert max(read) <= 1001


def _rows_read(node: Any, table: str) -> Iterator[float]:
    """Return the rows of a table that each node of a plan reads when it runs, those included that it passes over."""
    if node.get("Relation Name") == table:
        yield node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    for child in node.get("Plans", []):
        yield from _rows_read(child, table)


def test_every_filter_finds_what_a_plain_look_finds(read_db: ReadOnlyDatabase, everything: list[Any]):
    dice = random.Random(3)
    for _ in range(40):
        tests = _tests(dice.choice(everything))
        chosen = {name: test for name, test in tests.items() if dice.random() < 0.3}
        expected = {r["id"] for r in everything if all(fits(r) for _, fits in chosen.values())}
        typed = {name: value for name, (value, _) in chosen.items()}
        assert matching_ids(read_db, parse_filter(**typed)) == expected, typed


def _tests(row: Any) -> dict[str, tuple[str, Callable[[Any], bool]]]:
    """For each filter something that a session fits, and what that means."""
    start = row["user_email"][:9]
    return {
        "user": (start, lambda r: r["user_email"].startswith(start)),
        "site": (row["site"], lambda r: r["site"] == row["site"]),
        "state": (row["state"], lambda r: r["state"] == row["state"]),
        "ip": (row["addresses"][0], lambda r: row["addresses"][0] in r["addresses"]),
        "device": ("firefox WINDOWS", _used_firefox),
        "binding": (row["binding"], lambda r: r["binding"] == row["binding"]),
        "flag": ("session_use_after_expire", lambda r: "session_use_after_expire" in r["flags"]),
        "created_after": (row["created_at"].isoformat(), lambda r: r["created_at"] > row["created_at"]),
        "created_before": (row["created_at"].isoformat(), lambda r: r["created_at"] < row["created_at"]),
        "seen_after": (row["last_seen_at"].isoformat(), lambda r: r["last_seen_at"] > row["last_seen_at"]),
        "seen_before": (row["last_seen_at"].isoformat(), lambda r: r["last_seen_at"] < row["last_seen_at"]),
    }


def _used_firefox(row: Any) -> bool:
    names = map(user_agents.label, (row["agent"], row["last_agent"], *row["agents"]))
    return any("Firefox" in name and "Windows" in name for name in names)


@pytest.mark.parametrize("typed", ["Ada7 Anchor", "ada7 anc", "ADA7.ANCHOR@MAIL.EXAMPLE", "7.anchor@mail"])
def test_a_user_is_found_by_name_and_by_address(read_db: ReadOnlyDatabase, everything: list[Any], typed: str):
    ids = matching_ids(read_db, parse_filter(user=typed))
    names = {row["user_name"] for row in everything if row["id"] in ids}
    assert "Ada7 Anchor" in names
    assert all("7 " in name for name in names)


def test_a_user_is_found_by_id(read_db: ReadOnlyDatabase, everything: list[Any]):
    user_id = everything[0]["user_id"]
    expected = {row["id"] for row in everything if row["user_id"] == user_id}
    assert matching_ids(read_db, parse_filter(user=str(user_id).upper())) == expected


@pytest.mark.parametrize("typed", ["%", "_", "a_a7", "\\", "'; DROP TABLE sessions; --"])
def test_wildcards_are_ordinary_characters(read_db: ReadOnlyDatabase, typed: str):
    assert matching_ids(read_db, parse_filter(user=typed)) == set()
    assert matching_ids(read_db, parse_filter(device=typed)) == set() or typed == "_"


def test_a_block_finds_all_that_came_from_it_even_once(read_db: ReadOnlyDatabase, everything: list[Any]):
    expected = {r["id"] for r in everything if any(a.startswith("203.0.113.") for a in r["addresses"])}
    assert expected
    assert matching_ids(read_db, parse_filter(ip="203.0.113.0/24")) == expected


def test_pages_show_every_session_once(read_db: ReadOnlyDatabase, everything: list[Any]):
    seen: list[UUID] = []
    cursor = ""
    while True:
        part = session_queries.SESSIONS.part(read_db, cursor, 333)
        seen += [row.id for row in part.rows]
        if part.older is None:
            break
        cursor = part.older
    ordered = sorted(everything, key=lambda row: (row["created_at"], row["id"]), reverse=True)
    assert seen == [row["id"] for row in ordered]


def test_a_list_shows_no_hash(read_db: ReadOnlyDatabase, everything: list[Any]):
    session_id = everything[0]["id"]
    rows = [session_queries.one(read_db, session_id), *session_queries.pairs(read_db, session_id)]
    rows += session_queries.SESSIONS.first(read_db, 3)
    for row in rows:
        assert row is not None
        assert not [name for name, value in vars(row).items() if isinstance(value, bytes | memoryview)]


def test_a_plan_counts_what_the_session_core_would_match(
    read_db: ReadOnlyDatabase, sampled: Engine, everything: list[Any]
):
    flagged = next(row for row in everything if row["state"] == "revoked" and row["end_reason"] != "logout")
    some = [row["id"] for row in everything[:50]]
    targets = [
        Target(user_id=flagged["user_id"]),
        Target(user_id=flagged["user_id"], site="store"),
        Target(site="forums"),
        Target(sessions=tuple(some)),
    ]
    for target in targets:
        plan = plans.make(read_db, target, uuid4())
        scope = Scope(sessions=target.sessions, user_id=target.user_id, site=target.site)
        with sampled.connect() as connection:
            assert plan.others == revocation.count(connection, scope)
            assert plan.scope == scope
        assert len(plan.rows) == min(plan.others, plans.SHOWN)


def test_a_plan_by_filter_names_the_sessions_that_can_still_end(
    read_db: ReadOnlyDatabase, everything: list[Any]
):
    query = parse_filter(site="forums", device="iphone").query()
    plan = plans.make(read_db, Target(filter=query), uuid4())
    assert plan.scope is not None
    live = {
        row["id"]
        for row in everything
        if row["site"] == "forums" and "iPhone" in row["agent"] and row["state"] in ("active", "dormant")
    }
    assert set(plan.scope.sessions) == live


@pytest.mark.parametrize("query", ["", "state=sleeping", "nothing=1", "site=store"])
def test_a_filter_that_means_nothing_or_too_much_ends_nothing(
    read_db: ReadOnlyDatabase, monkeypatch: pytest.MonkeyPatch, query: str
):
    monkeypatch.setattr(Scope, "MOST", 100)
    plan = plans.make(read_db, Target(filter=query), uuid4())
    assert plan.scope is None
    assert plan.problem


def test_reading_cannot_write(read_db: ReadOnlyDatabase):
    with pytest.raises(DBAPIError, match="read-only"):
        read_db.all(insert(tables.gates).values(key="everyone", epoch=1, revocation_id=uuid4()))


def test_reading_is_cut_short(read_db: ReadOnlyDatabase):
    with pytest.raises(TooSlow):
        read_db.within(50).all(text("SELECT pg_sleep(5)"))
    assert counts.on_tabs(read_db, [])


def test_a_person_and_who_else_was_there(read_db: ReadOnlyDatabase, everything: list[Any]):
    user_id = everything[0]["user_id"]
    name = user_queries.name(read_db, user_id)
    assert name is not None
    assert name.user_name == everything[0]["user_name"]
    for row in user_queries.addresses(read_db, user_id):
        others = {
            str(r["user_id"]) for r in everything if row.address in r["addresses"] and r["user_id"] != user_id
        }
        assert {other.id for other in row.people} == others
    assert audit_queries.of_user(read_db, user_id)
    assert user_queries.name(read_db, uuid4()) is None


def test_the_audit_log_is_filtered(read_db: ReadOnlyDatabase):
    chosen = AuditFilter.parse({"event": "authn_login_fail", "site": "store", "since": "2020-01-01"})
    rows = audit_queries.listing(read_db, chosen).first(read_db, 1000)
    assert rows
    assert {(row.event, row.site) for row in rows} == {("authn_login_fail", "store")}


def test_the_timeline_of_a_session_ends_with_the_act_that_ended_it(
    read_db: ReadOnlyDatabase, sampled: Engine
):
    with sampled.connect() as connection:
        session_id = connection.execute(
            text(
                """SELECT s.id FROM sessions s JOIN revocations r ON r.id = s.revocation_id
                WHERE r.scope = 'user' LIMIT 1"""
            )
        ).scalar_one()
    row = session_queries.one(read_db, session_id)
    assert row is not None
    story = [event.event for event in audit_queries.of_session(read_db, row)]
    assert story[-1] == "session_created"
    assert "authn_token_revoked" in story


@pytest.fixture
def in_vain(sampled: Engine) -> Iterator[None]:
    """One message that the identity provider has not taken yet, for as long as a test runs."""
    moved = "UPDATE revocation_outbox SET done_at = {} WHERE id = (SELECT max(id) FROM revocation_outbox)"
    with sampled.begin() as connection:
        connection.execute(text(moved.format("NULL, attempts = 3, last_error = 'away'")))
    yield
    with sampled.begin() as connection:
        connection.execute(text(moved.format("now(), last_error = NULL")))


@pytest.mark.usefixtures("in_vain")
def test_the_dashboard_counts_tries_and_hours(read_db: ReadOnlyDatabase, everything: list[Any]):
    attacks = overview.attacks(read_db).by_kind
    flagged = Counter(kind for row in everything for kind in row["tries"])
    assert set(attacks) == {*overview.ATTACKS, overview.REPLAYS}
    assert {kind: attacks[kind].sessions for kind in overview.ATTACKS} == {
        kind: flagged[kind] for kind in overview.ATTACKS
    }
    minor = [labels.flag(row.kind).severity == "info" for row in overview.alerts(read_db)]
    assert minor == sorted(minor), "what says little comes last"
    assert len(minor) == 5
    failures = overview.alarms(read_db).failures
    assert failures is not None
    assert failures.count == 1
    hours, series = chart.chart(read_db)
    assert len(hours) == overview.HOURS
    assert all(len(line.counts) == overview.HOURS for line in series)
    assert sum(series[1].counts) >= 60, "the burst of failed logins"
