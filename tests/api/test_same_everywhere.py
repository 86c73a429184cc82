"""For any filter over any sessions: the list's count, an act's reach, the rule, the file and the API are the same sessions.

SHOPFORUM_TEST_EXAMPLES=400 tries more filters, SHOPFORUM_TEST_SESSIONS=20000 more sessions.
"""

import json
import os
import random
import uuid
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopforum.core.read_only_database import ReadOnlyDatabase
from shopforum.dev.sample import sessions as sample
from shopforum.operations import counts, deny_rules, labels, plans, session_queries
from shopforum.operations.filters import FLAGGED, TABS, SessionFilter
from shopforum.operations.targets import Target
from shopforum.sessions.audit import Client

LIVE = {"active", "dormant"}
EXAMPLES = int(os.environ.get("SHOPFORUM_TEST_EXAMPLES", "8"))
SESSIONS = int(os.environ.get("SHOPFORUM_TEST_SESSIONS", "250"))
# Every address and browser that a session was used from, as a rule is asked about them.
USES = """SELECT s.id, s.user_id, s.site, host(u.address) AS address, u.agent FROM sessions s CROSS JOIN LATERAL (
  SELECT s.address, s.agent UNION SELECT s.last_address, s.last_agent
  UNION SELECT p.address, p.agent FROM session_places p WHERE p.session_id = s.id) u"""


@pytest.fixture
def sampled(apps: dict[str, Any], sql: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Some of the sample sessions, none of which idles out meanwhile; returns them with a place and a flag each."""
    monkeypatch.setattr(sample, "COUNT", SESSIONS)
    users = [
        (uuid.uuid5(uuid.NAMESPACE_URL, str(n)), f"Ada{n} Anchor", f"ada{n}@mail.example") for n in range(20)
    ]
    with apps["admin"].services.db.transaction(600) as connection:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        sample.seed(connection, users, random.Random(3))
    sql(
        """UPDATE sessions SET idle_end = least(absolute_end, now() + interval '1 hour') WHERE idle_end > now()
        RETURNING 1 AS one"""
    )
    return sql(
        """SELECT s.*, host(p.address) AS place, (SELECT min(kind) FROM session_flags f WHERE f.session_id = s.id) AS flag
        FROM sessions s LEFT JOIN session_places p ON p.session_id = s.id WHERE s.site <> 'admin'
        ORDER BY s.created_at, s.id, p.address"""
    )


def drawn(data: Any, rows: list[Any]) -> dict[str, str]:
    """A filter made from some columns of one session, and perhaps of another."""
    row, other = (data.draw(st.sampled_from(rows)) for _ in range(2))
    first = row["user_name"].split()[0]
    values = {
        "user": data.draw(
            st.sampled_from([str(row["user_id"]), row["user_email"], first, first[1:].upper(), "nobody"])
        ),
        "site": row["site"],
        "ip": f"{row['place'] or '192.0.2.1'}/{data.draw(st.sampled_from([8, 24, 32]))}",
        "device": data.draw(st.sampled_from(["firefox", "chrome windows", "curl", "ios"])),
        "flag": row["flag"] or "two_places",
        "created_after": other["created_at"].isoformat(),
        "created_before": row["created_at"].isoformat(),
        "seen_after": other["last_seen_at"].isoformat(),
        "seen_before": row["last_seen_at"].isoformat(),
        "binding": data.draw(st.sampled_from(list(labels.BINDINGS))),
        "state": data.draw(st.sampled_from([tab for tab in TABS if tab != FLAGGED])),
    }
    assert set(values) == set(SessionFilter.criteria()), "a new filter needs a value here"
    names = data.draw(st.sets(st.sampled_from(sorted(values)), min_size=1, max_size=3))
    return SessionFilter.parse({name: values[name] for name in names}).values()


def refused(uses: list[Any], chosen: SessionFilter) -> set[UUID] | None:
    """The sessions of which the rule that is made from a filter refuses a use; None where no rule says the same."""
    fields = deny_rules.of_filter(chosen)
    if not fields:
        return None
    rule = deny_rules.make(60, **fields)
    clients = ((row, Client(row["address"], row["agent"] or "")) for row in uses)
    return {row["id"] for row, client in clients if rule.matches(row["user_id"], row["site"], client)}


def test_count_reach_rule_file_and_api_are_the_same(
    call: Any, browser: Any, apps: dict[str, Any], sampled: list[Any], sql: Any
):
    owner = browser("admin")
    owner.log_in("owner")
    db = ReadOnlyDatabase(apps["admin"].services.db)
    uses = sql(USES)

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def check(data: Any) -> None:
        given = {name: value for name, value in drawn(data, sampled).items() if value}
        query = SessionFilter.parse(given).query()
        answer = call("GET", f"/sessions?{query}&limit=500", status=200).json
        rows, total = answer["sessions"], answer["total"]
        while answer["next"]:
            answer = call("GET", f"/sessions?{query}&limit=500&cursor={answer['next']}", status=200).json
            rows += answer["sessions"]
        found = [row["id"] for row in rows]
        assert total == {"count": min(len(found), counts.CAP), "exact": len(found) <= counts.CAP}
        exported = owner.get(f"/sessions/export?{query}&format=jsonl").text.splitlines()
        assert [json.loads(line)["id"] for line in exported] == found
        page = owner.get(f"/sessions?{query}")
        if page.status_int == 200:
            assert page.html.select_one(".tabs [aria-current] .count").string == f"{len(found):,}"
        live = {row["id"] for row in rows if row["state"] in LIVE}
        body = {"scope": {"filter": given}, "dry_run": True}
        if live:
            assert call("POST", "/revocations", body, 200).json["matched"] == len(live)
        assert {str(i) for i in plans.make(db, Target(filter=query), None).ids} == live
        # A rule is about each use, whatever the session's state; an address and a browser must meet in one use.
        chosen = SessionFilter.parse({**given, "state": ""})
        by_rule = refused(uses, chosen) if chosen.used else None
        if by_rule is not None:
            selected = {row.id for row in session_queries.listing(db, chosen).all(db)}
            assert by_rule <= selected
            assert by_rule == selected or (chosen.ip and chosen.device)
        # Of several filters: what matches any, once each.
        other = SessionFilter.parse(drawn(data, sampled)).query()
        alone = {*plans.make(db, Target(filter=other), None).ids}
        both = plans.make(db, Target(any_of=(query, other)), None)
        assert (len(both.ids), {*both.ids}) == (both.matched, {UUID(i) for i in live} | alone)

    check()
