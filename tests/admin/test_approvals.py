"""Two people: an act that reaches far waits for a second owner, and is then done exactly as asked."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from admin.test_plans import MANY
from page_forms import form_of
from support import Browser, person

from shopforum.api_tokens import tokens
from shopforum.core.read_only_database import ReadOnlyDatabase
from shopforum.operations import approvals, approving
from shopforum.operations.approving import NotWaiting
from shopforum.sessions import Session
from shopforum.sessions.audit import Client

from .approval_steps import OWNER, by_filter, come, decide, events, everyone, path_of, send


def test_everyone_s_sessions_end_when_a_second_owner_approves(
    owners: Any, console: Callable[[str], Browser], started: Any, sql: Any
):
    first, second = owners
    shopper = started()
    asked = everyone(first)
    path = path_of(asked)
    page = asked.follow()
    assert "Nothing was changed yet" in page
    assert "Your own request" in page
    assert shopper.browser.get("/shopping-cart").status_int == 200
    # Asked again, it is the same request, and the other owner has one mail about it.
    assert path_of(everyone(first)) == path
    [mail] = sql("SELECT recipient, plain FROM outgoing_mail")
    assert mail["recipient"] == person("responder").email
    assert "End everyone&#39;s" not in mail["plain"]
    assert "End everyone's sessions" in mail["plain"]
    # Not one's own, and by no lesser role.
    assert "approval_over" in decide(first, path).location
    assert decide(console("viewer"), path, status=403)
    assert not sql("SELECT 1 FROM revocations")
    assert "1 request waits for a second owner" in second.get("/")
    assert "Your own session ends, too." in second.get(path)
    decide(second, path, "perhaps", 400)
    done = decide(second, path)
    [made] = sql("SELECT id, scope, actor FROM revocations")
    assert (made["scope"], made["actor"]) == ("everyone", OWNER.email)
    assert done.location == f"/revocations/{made['id']}?notice=approval_given"
    assert shopper.browser.get("/shopping-cart").status_int == 302
    # The one who asked stays; the one who approved is signed out, as the page said.
    assert "waits for a second owner" not in first.get("/", status=200)
    assert second.get("/").status_int == 302
    assert "approved" in first.get("/approvals")
    [ended] = events(sql, "authn_token_revoked")
    assert (ended["actor"], ended["detail"]["approved_by"]) == (OWNER.email, person("responder").email)
    [given] = events(sql, "approval_given")
    assert (given["actor"], given["detail"]["approval"]) == (person("responder").email, path.split("/")[-1])
    [asked_for] = events(sql, "approval_asked")
    assert asked_for["detail"]["typed"] == "End everyone's sessions"
    assert sql("SELECT state.made_id FROM approvals state") == [{"made_id": made["id"]}]


def test_the_act_is_done_as_it_was_asked_for(owners: Any, sql: Any, later: Any):
    first, second = owners
    come(sql, 101)
    path = path_of(by_filter(first, number="101"))
    come(sql, 1, "Latecomer")
    page = second.get(path)
    assert "End the sessions of ip=203.0.113.0/24?" in page
    assert "INC-7" in page
    # An old password approves nothing.
    later(301)
    assert "/login?" in decide(second, path, status=302).location
    sql("UPDATE sessions SET authenticated_at = now() WHERE site = 'admin' RETURNING 1")
    decide(second, path)
    assert sql(
        "SELECT user_name, count(*) AS count FROM sessions WHERE ended_at IS NULL AND site = 'store' GROUP BY 1"
    ) == [{"user_name": "Latecomer", "count": 1}]
    # An approved act does not count against the one who asked for it.
    [left] = sql("SELECT id FROM sessions WHERE user_name = 'Latecomer'")
    send(first.get(f"/sessions/revoke?session={left['id']}"), "/sessions/revoke", reason="incident")
    assert sql("SELECT count(*) AS count FROM revocations") == [{"count": 2}]


def test_of_two_who_approve_at_once_one_does(owners: Any, apps: Any, sql: Any):
    first, _ = owners
    come(sql, 101)
    approval_id = path_of(by_filter(first, number="101")).split("/")[-1]
    services = apps["admin"].services
    db = ReadOnlyDatabase(services.db)
    [asked] = approvals.APPROVALS.first(db, 1)
    assert str(asked.id) == approval_id
    [row] = sql("SELECT * FROM sessions WHERE user_email = :email", email=person("responder").email)
    by = Session(row["id"], "admin", row["user_id"], "R", row["user_email"], frozenset({"owner"}), 0, 0, 9)
    barrier = threading.Barrier(4)

    def approve(_: int) -> str:
        barrier.wait()
        try:
            return str(approving.approve(services.sessions, db, asked, by, Client(), tokens.why_refused))
        except NotWaiting:
            return "late"

    with ThreadPoolExecutor(4) as pool:
        found = sorted(pool.map(approve, range(4)))
    [made] = sql("SELECT id FROM revocations")
    assert found == sorted([str(made["id"]), "late", "late", "late"])
    assert len(events(sql, "approval_given")) == 1


def test_a_request_expires_is_refused_or_withdrawn(owners: Any, sql: Any):
    first, second = owners
    path = path_of(everyone(first))
    sql("UPDATE approvals SET expires_at = now() RETURNING 1")
    assert "approval_over" in decide(second, path).location
    assert "expired" in second.get(path)
    again = path_of(everyone(first))
    assert again != path
    assert "approval_refused" in decide(second, again, "refuse").location
    assert "approval_over" in decide(second, again).location
    last = path_of(everyone(first))
    assert "approval_withdrawn" in decide(first, last, "withdraw").location
    assert "approval_over" in decide(second, last).location
    assert not sql("SELECT 1 FROM revocations")
    assert [len(events(sql, f"approval_{name}")) for name in ("asked", "refused", "withdrawn", "given")] == [
        3,
        1,
        1,
        0,
    ]


def test_a_hundred_people_within_an_hour_are_the_most_for_one(owners: Any, sql: Any):
    first, _ = owners
    come(sql, 100)
    assert "/revocations/" in by_filter(first).location
    come(sql, 1)
    path_of(by_filter(first))
    assert sql("SELECT count(*) AS count FROM sessions WHERE ended_at IS NULL AND site = 'store'") == [
        {"count": 1}
    ]


def test_nobody_floods_the_other_owners(owners: Any, sql: Any, age: Any):
    first, _ = owners
    path = path_of(everyone(first))
    sql(
        """INSERT INTO approvals (created_at, expires_at, kind, target, sessions, matched, people, exact, digest, actor, agent,
          request_id, reason_code, reason_admin, reason_user, decided_at, outcome)
        SELECT now() - interval '10 minutes', now(), 'revoke', '{}', '{}', 0, 0, true, n::text, :actor, '', '', '', '', '', now(), 'withdrawn'
        FROM generate_series(1, 19) n RETURNING 1""",
        actor=OWNER.email,
    )
    # The waiting request is found again; a further one is refused, and nobody is told.
    assert path_of(everyone(first)) == path
    form = form_of(first.get("/rules"), "/rules")
    form["device"], form["reason"] = "curl", "incident"
    refused = send(form.submit(), "/rules")
    assert (refused.status_int, refused.headers["Retry-After"]) == (429, "3600")
    assert "20 approvals within an hour" in refused
    assert len(sql("SELECT 1 FROM outgoing_mail")) == len(events(sql, "approval_asked")) == 1
    # The one that waits is not over.
    age("approvals.created_at", 3600, "decided_at IS NOT NULL")
    path_of(send(form.submit(), "/rules"))


def test_a_rule_and_a_containment(owners: Any, browser: Any, sql: Any):
    first, second = owners
    form = form_of(first.get("/rules"), "/rules")
    form["device"], form["reason"] = "curl", "incident"
    asked = send(form.submit(), "/rules")
    path = path_of(asked)
    assert "Refuse everybody with “curl”, on all sites?" in second.get(path)
    assert not sql("SELECT 1 FROM standing_rules")
    decide(second, path)
    [rule] = sql("SELECT id, device, actor FROM standing_rules")
    assert (rule["device"], rule["actor"]) == ("curl", OWNER.email)
    # The containment of an incident: those who sign in meanwhile, too.
    come(sql, 101)
    page = send(first.get("/incidents"), "/incidents", name="Stuffing", ip="203.0.113.0/24").follow()
    confirm = page.click("Contain…")
    path = path_of(send(confirm, confirm.request.path, number="101"))
    come(sql, 2)
    # A filter that is added to the incident meanwhile is not what was asked for.
    sql(MANY.replace("Somebody", "Bystander"), count=1)
    incident = first.get(confirm.request.path.removesuffix("/contain"))
    send(incident, f"{incident.request.path}/filters", user="Bystander")
    page = second.get(path)
    assert "103 sessions of 103 people" in page
    decide(second, path)
    assert sql("SELECT user_name FROM sessions WHERE ended_at IS NULL AND site = 'store'") == [
        {"user_name": "Bystander"}
    ]
    assert sql("SELECT count(*) AS count FROM standing_rules") == [{"count": 2}]
    told = sql(
        "SELECT DISTINCT detail ->> 'approval' AS id FROM audit_log WHERE detail ? 'incident' AND detail ? 'approval'"
    )
    assert told == [{"id": path.split("/")[-1]}]


def test_a_responder_reaches_no_further_and_asks_nobody(
    two_people: None, console: Callable[[str], Browser], sql: Any
):
    come(sql, 101)
    client = console("responder")
    client.get("/sessions/revoke?filter=ip%3D203.0.113.0%2F24", status=403)
    client.get("/revoke-everyone", status=403)
    assert not sql("SELECT 1 FROM approvals")


def test_an_approved_act_does_not_count_against_the_hour(owners: Any, sql: Any):
    first, second = owners
    come(sql, 101)
    for act, why in (("quarantine", {"reason": "incident"}), ("release", {"text": "It was a drill."})):
        page = first.get(f"/sessions/{act}?filter=ip%3D203.0.113.0%2F24")
        decide(second, path_of(send(page, f"/sessions/{act}", number="101", **why)))
        count = sql("SELECT count(*) AS n FROM sessions WHERE quarantined_at IS NOT NULL")[0]["n"]
        assert count == (101 if act == "quarantine" else 0)
    # A hundred people are still free, and no more.
    ids = "&session=".join(
        str(row["id"]) for row in sql("SELECT id FROM sessions WHERE site = 'store' LIMIT 100")
    )
    page = first.get(f"/sessions/revoke?session={ids}")
    assert "/revocations/" in send(page, "/sessions/revoke", reason="incident").location
    path_of(by_filter(first))
