"""No list may walk a whole table: what the planner makes of each statement, over twenty thousand sessions."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, event, text

from shopforum.admin import chart
from shopforum.core.database import Database
from shopforum.core.databases import PARTS, Databases
from shopforum.core.read_only_database import ReadOnlyDatabase
from shopforum.operations import (
    act_queries,
    audit_queries,
    counts,
    deny_rules,
    explain,
    incident_reports,
    incidents,
    overview,
    plans,
    revocation_queries,
    session_queries,
    user_queries,
)
from shopforum.operations.filters import AuditFilter, RevocationFilter, SessionFilter
from shopforum.operations.rows import AuditRow
from shopforum.operations.targets import Target

BIG = {"sessions", "session_places", "session_credentials", "audit_log"}


@pytest.fixture
def big(large: Engine) -> ReadOnlyDatabase:
    return ReadOnlyDatabase(Database(large))


@contextmanager
def explained(db: ReadOnlyDatabase) -> Iterator[list[Any]]:
    """Collect the plan of every statement that runs meanwhile."""
    run: list[tuple[str, Any]] = []
    settings: set[str] = set()
    plans: list[Any] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "set_config(" in statement:
            settings.add(statement)
        else:
            run.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield plans
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    with db.transaction() as connection, connection.connection.cursor() as cursor:
        cursor.execute(settings.pop())
        for statement, parameters in run:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
            (answer,) = cursor.fetchone()
            plans.append((statement, answer if isinstance(answer, list) else json.loads(answer)))


def walked(node: Any) -> set[str]:
    """The tables that a plan reads from end to end."""
    if isinstance(node, list):
        return set().union(*map(walked, node))
    if not isinstance(node, dict):
        return set()
    own = {node["Relation Name"]} if node.get("Node Type") == "Seq Scan" else set()
    return own.union(*map(walked, node.values()))


def check(plans: list[Any]) -> None:
    assert plans
    for statement, plan in plans:
        assert not walked(plan) & BIG, f"{statement}\n{json.dumps(plan, indent=1)}"


@pytest.fixture(scope="session")
def someone(large: Engine) -> dict[str, Any]:
    """A session with several places, and a revocation of several sessions."""
    with large.connect() as connection:
        row = connection.execute(
            text(
                """SELECT s.* FROM sessions s JOIN session_places p ON p.session_id = s.id
                GROUP BY s.id HAVING count(*) > 1 LIMIT 1"""
            )
        ).one()
        revoked = connection.execute(text("SELECT id FROM revocations WHERE scope = 'user'")).scalar_one()
        return {**row._mapping, "revoked": revoked}


FILTERS: list[dict[str, str]] = [
    {},
    {"state": "active"},
    {"state": "dormant"},
    {"state": "flagged"},
    {"state": "revoked"},
    {"state": "expired"},
    {"user": "{user_id}"},
    {"user": "{user_id}", "state": "dormant", "site": "store"},
    {"user": "{user_email}"},
    {"ip": "203.0.113.9"},
    {"ip": "203.0.113.0/28", "state": "active"},
    {"ip": "2001:db8::/48"},
    {"site": "forums"},
    {"site": "admin"},
    {"device": "iphone"},
    {"device": "netscape"},
    {"flag": "refresh_without_session"},
    {"flag": "quarantined"},
    {"binding": "bound"},
    {"binding": "offered", "state": "active"},
    {"binding": "unbound", "site": "admin"},
    {"flag": "two_places", "state": "flagged"},
    {"created_after": "2026-01-01", "seen_before": "2026-01-02"},
    {"created_before": "2026-01-01", "seen_after": "2025-12-31"},
    {"seen_after": "2026-01-01", "state": "active"},
    {"ip": "203.0.113.0/24", "state": "flagged"},
    {"ip": "203.0.113.0/24", "user": "{user_email}"},
    {"ip": "203.0.113.9", "device": "iphone"},
    {"site": "admin", "state": "active"},
    {"user": "{user_email}", "state": "flagged"},
    {"user": "ada7.anchor", "flag": "other_browser"},
    {"device": "iphone", "state": "flagged"},
    {"flag": "other_browser", "site": "admin"},
]


@pytest.mark.parametrize("few", [1000, 10])
@pytest.mark.parametrize("typed", FILTERS, ids=lambda typed: "-".join(typed) or "all")
def test_no_filter_walks_a_table(
    big: ReadOnlyDatabase,
    someone: dict[str, Any],
    typed: dict[str, str],
    few: int,
    monkeypatch: pytest.MonkeyPatch,
):
    """Neither its pages nor its counts, whether few or many have the address or the flag."""
    monkeypatch.setattr(session_queries, "_FEW", few)
    monkeypatch.setattr(counts, "LOOKED_AT", 200)
    monkeypatch.setattr(counts, "SMALL", -2)
    chosen = SessionFilter.parse({k: v.format(**someone) for k, v in typed.items()})
    with explained(big) as plans:
        where = session_queries.conditions(big, chosen)
        listing = session_queries.SESSIONS.where(*where)
        first = listing.part(big)
        if first.older:
            listing.part(big, first.older)
        counts.on_tabs(big, session_queries.matching(big, chosen))
        counts.count(big, where, 200)
    check(plans)


def indexes(node: Any) -> set[str]:
    """The indexes that a plan uses."""
    if isinstance(node, list):
        return set().union(*map(indexes, node))
    if not isinstance(node, dict):
        return set()
    own = {node["Index Name"]} if "Index Name" in node else set()
    return own.union(*map(indexes, node.values()))


@pytest.mark.parametrize(
    "query", ["ip=203.0.113.0/24", "flag=other_browser", "state=flagged", "device=iphone"]
)
def test_an_act_goes_by_keys_where_a_list_reads_from_the_newest_on(
    big: ReadOnlyDatabase, query: str, monkeypatch: pytest.MonkeyPatch
):
    """A list of many ends with its first page. An act takes all that match, and must not look at every live session for that."""
    monkeypatch.setattr(session_queries, "_FEW", 10)
    with explained(big) as found:
        plan = plans.make(big, Target(filter=query), None)
    assert plan.matched > 10
    # The last but one counts; the last one reads the rows that are shown.
    statement, how = found[-2]
    assert "array_agg" in statement
    assert "pk_sessions" in indexes(how)
    assert not indexes(how) & {"ix_sessions_live", "ix_sessions_created_at_id"}, json.dumps(how, indent=1)


@pytest.mark.parametrize("typed", ["ada7.anchor", "nobody at all"])
def test_the_beginning_of_a_name_walks_no_table(big: ReadOnlyDatabase, typed: str):
    """Only a part of a name has to be looked for in all sessions: what is shown where that takes too long goes by index."""
    chosen = SessionFilter.parse({"user": typed})
    with explained(big) as plans:
        where = session_queries.matching(big, chosen, beginning=True)
        session_queries.SESSIONS.where(*where).part(big)
    check(plans)


INCIDENT = incidents.Incident(
    uuid4(), datetime.now(UTC), "Copied", "", "ada", "ip=203.0.113.9", "incident", "", None, None
)


def row_of(revocation_id: UUID) -> AuditRow:
    """The audit row of a revocation, as far as an incident looks at it."""
    at = datetime.now(UTC)
    return AuditRow(1, 1, at, "x", "all", "admin", "", None, None, revocation_id, None, "", "", {})


PAGES: list[Callable[[ReadOnlyDatabase, dict[str, Any]], Any]] = [
    lambda db, one: session_queries.one(db, one["id"]),
    lambda db, one: session_queries.places(db, one["id"]),
    lambda db, one: session_queries.flags(db, one["id"]),
    lambda db, one: session_queries.pairs(db, one["id"]),
    lambda db, one: audit_queries.of_session(db, session_queries.one(db, one["id"])),
    lambda db, one: user_queries.name(db, one["user_id"]),
    lambda db, one: user_queries.addresses(db, one["user_id"]),
    lambda db, one: audit_queries.of_user(db, one["user_id"]),
    lambda db, one: revocation_queries.receipts(db, [one["revoked"]]),
    lambda db, one: revocation_queries.since(db, one["revoked"]),
    lambda db, one: revocation_queries.messages(db, [one["id"]]),
    lambda db, one: revocation_queries.outbox(db, one["revoked"]),
    lambda db, one: session_queries.ended_by(one["revoked"]).part(db),
    lambda db, one: chart.chart(db),
    lambda db, one: audit_queries.AUDIT.first(db, 10),
    lambda db, one: overview.alerts(db),
    lambda db, one: overview.summary(db),
    lambda db, one: revocation_queries.REVOCATIONS.first(db, 5),
    lambda db, one: revocation_queries.listing(db, RevocationFilter(user="ada7.anchor")).part(db),
    lambda db, one: revocation_queries.people([one["revoked"]]).part(db),
    lambda db, one: audit_queries.new_devices(db, [one["id"]]),
    lambda db, one: user_queries.activity(
        Databases(dict.fromkeys(PARTS, db)), one["user_id"], one["user_email"]
    ),
    lambda db, one: counts.on_tabs(db, []),
    lambda db, one: audit_queries.sealed(db),
    lambda db, one: user_queries.devices(db, one["user_id"]),
    lambda db, one: audit_queries.logins_of_user(db, one["user_id"]),
    lambda db, one: deny_rules.in_force(db, user_id=one["user_id"]),
    lambda db, one: plans.make(db, Target(filter="ip=203.0.113.9"), None),
    lambda db, one: plans.make(db, Target(sessions=(one["id"],)), None),
    lambda db, one: plans.make(db, Target(user_id=one["user_id"]), None),
    lambda db, one: explain.of_session(db, session_queries.one(db, one["id"])),
    lambda db, one: explain.of_user(db, one["user_id"]),
    lambda db, one: explain.of_request(db, "0123456789abcdef"),
    lambda db, one: explain.of_place(db, "203.0.113.9", one["created_at"]),
    lambda db, one: incident_reports.report(db, INCIDENT),
    lambda db, one: incident_reports.report(
        db, replace(INCIDENT, more_filters=["device=curl", f"user={one['user_id']}"])
    ),
    lambda db, one: act_queries.of_session(one["id"]).first(db, 10),
    lambda db, one: act_queries.of_revocations([one["revoked"]]).first(db, 10),
    lambda db, one: incident_reports.events(INCIDENT).first(db, 10),
    lambda db, one: incident_reports.people([row_of(one["revoked"])]).first(db, incident_reports.SHOWN),
]


@pytest.mark.parametrize("page", PAGES)
def test_no_page_walks_a_table(
    big: ReadOnlyDatabase, someone: dict[str, Any], page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(counts, "SMALL", -2)
    with explained(big) as plans:
        page(big, someone)
    check(plans)


TRAILS = [
    {},
    {"event": "session_expired"},
    {"event": "any_failed_login"},
    {"event": "any_signal", "since": "2026-01-01"},
    {"user": "{user_id}"},
    {"session": "{id}"},
    {"actor": "owner@harbour.example"},
    {"since": "2026-01-01", "until": "2026-01-02"},
    {"site": "admin"},
    {"site": "admin", "event": "session_created"},
    {"site": "store", "event": "authz_fail"},
    {"actor": "owner@harbour.example", "event": "authn_token_revoked"},
    {"user": "{user_id}", "event": "authn_login_fail"},
    {"user": "ada7.anchor"},
    {"ip": "203.0.113.9"},
    {"ip": "203.0.113.0/28", "event": "authn_login_fail"},
    {"request": "none"},
    {"note": "INC-4711"},
    {"note": "nothing of the kind"},
]


@pytest.mark.parametrize("typed", TRAILS, ids=lambda typed: "-".join(typed) or "all")
def test_no_list_of_the_audit_log_is_read_from_end_to_end(
    big: ReadOnlyDatabase, someone: dict[str, Any], typed: dict[str, str]
):
    chosen = AuditFilter.parse({k: v.format(**someone) for k, v in typed.items()})
    with explained(big) as plans:
        audit_queries.listing(big, chosen).part(big)
    check(plans)
