"""Two people: what reaches far waits for a second owner, is then done exactly as asked, and never by one alone unseen."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from admin.test_plans import MANY, PLACES
from click.testing import CliRunner
from support import Browser, Idp, person, url_of
from webtest import TestApp, TestResponse

from shopforum.api import ApiApp
from shopforum.api.request import _KEY
from shopforum.api_tokens import tokens
from shopforum.cli import main
from shopforum.core.read_only_database import ReadOnlyDatabase
from shopforum.operations import approvals, approving
from shopforum.operations.approval_requests import Office
from shopforum.operations.approving import NotWaiting
from shopforum.sessions import Session
from shopforum.sessions.audit import Client

from .test_break_glass import set_up

Console = Callable[[str], Browser]
OWNER = person("owner")


@pytest.fixture
def two_people(apps: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`admin.two_people` is on, and mail can be sent."""
    services, api = apps["admin"].services, apps["admin"].services.get(ApiApp).router.registry
    on = Office(two_people=True, console=url_of("admin"), mail=True)
    monkeypatch.setitem(services.objects, Office, on)
    monkeypatch.setitem(api, _KEY, replace(api[_KEY], office=on))


@pytest.fixture
def owners(two_people: None, console: Console, sql: Any) -> tuple[Browser, Browser]:
    """Two owners at the console."""
    first, second = console("owner"), console("responder")
    # FusionAuth, which gives one of them a lesser role, is not asked again.
    sql("UPDATE sessions SET roles = '{owner}', roles_read_at = now() + interval '1 hour' RETURNING 1")
    return first, second


def form_of(page: TestResponse, action: str) -> Any:
    return next(form for form in page.forms.values() if form.action == action)


def send(page: TestResponse, action: str, **fields: str) -> TestResponse:
    form = form_of(page, action)
    for name, value in fields.items():
        form[name] = value
    return form.submit(expect_errors=True)


def everyone(client: Browser) -> TestResponse:
    return send(client.get("/revoke-everyone"), "/revoke-everyone", word="everyone", reason="incident")


def by_filter(client: Browser, **number: str) -> TestResponse:
    page = client.get("/sessions/revoke?filter=ip%3D203.0.113.0%2F24")
    return send(page, "/sessions/revoke", reason="incident", text="INC-7", **number)


def decide(client: Browser, path: str, decision: str = "approve", status: int = 303) -> TestResponse:
    page = client.get(path)
    token = form_of(page, "/logout")["csrf_token"].value
    return client.post(path, {"csrf_token": token, "decision": decision}, status=status)


def path_of(asked: TestResponse) -> str:
    assert asked.status_int == 303, asked
    assert asked.location.endswith("?notice=approval_asked")
    return asked.location.partition("?")[0]


def come(sql: Any, count: int, name: str = "Somebody") -> None:
    """So many people sign in from one address."""
    sql(MANY.replace("Somebody", name), count=count)
    sql(f"{PLACES.split(' RETURNING')[0]} ON CONFLICT DO NOTHING RETURNING 1".replace("Somebody", name))


def events(sql: Any, name: str) -> list[Any]:
    return sql("SELECT actor, detail, user_id FROM audit_log WHERE event = :name ORDER BY id", name=name)


def test_everyone_s_sessions_end_when_a_second_owner_approves(
    owners: Any, console: Console, started: Any, sql: Any
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


def test_what_was_asked_is_what_is_done(owners: Any, sql: Any):
    first, second = owners
    come(sql, 101)
    path = path_of(by_filter(first, number="101"))
    come(sql, 1, "Latecomer")
    page = second.get(path)
    assert "End the sessions of ip=203.0.113.0/24?" in page
    assert "INC-7" in page
    # An old password approves nothing.
    sql(
        "UPDATE sessions SET authenticated_at = now() - interval '301 seconds' WHERE site = 'admin' RETURNING 1"
    )
    assert "/login?" in decide(second, path, status=302).location
    sql("UPDATE sessions SET authenticated_at = now() WHERE site = 'admin' RETURNING 1")
    decide(second, path)
    assert sql(
        "SELECT user_name, count(*) AS count FROM sessions WHERE ended_at IS NULL AND site = 'store' GROUP BY 1"
    ) == [{"user_name": "Latecomer", "count": 1}]
    # What another person has approved does not count against the one who asked.
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


def test_nobody_floods_the_other_owners(owners: Any, sql: Any):
    first, _ = owners
    path = path_of(everyone(first))
    sql(
        """INSERT INTO approvals (created_at, expires_at, kind, target, sessions, matched, people, exact, digest, actor, agent,
          request_id, reason_code, reason_admin, reason_user, decided_at, outcome)
        SELECT now() - interval '10 minutes', now(), 'revoke', '{}', '{}', 0, 0, true, n::text, :actor, '', '', '', '', '', now(), 'withdrawn'
        FROM generate_series(1, 19) n RETURNING 1""",
        actor=OWNER.email,
    )
    # What waits is found again; another one is refused, and nobody is told.
    assert path_of(everyone(first)) == path
    form = form_of(first.get("/rules"), "/rules")
    form["device"], form["reason"] = "curl", "incident"
    refused = send(form.submit(), "/rules")
    assert (refused.status_int, refused.headers["Retry-After"]) == (429, "3600")
    assert "20 approvals within an hour" in refused
    assert len(sql("SELECT 1 FROM outgoing_mail")) == len(events(sql, "approval_asked")) == 1
    sql(
        "UPDATE approvals SET created_at = now() - interval '2 hours' WHERE decided_at IS NOT NULL RETURNING 1"
    )
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
    # Nor is one that was removed.
    change = "UPDATE incidents SET filter = :filter RETURNING 1"
    sql(change, filter="device=x")
    assert "A filter was removed" in decide(second, path, status=409)
    assert sql("SELECT count(*) AS count FROM standing_rules") == [{"count": 1}]
    sql(change, filter="ip=203.0.113.0%2F24")
    decide(second, path)
    assert sql("SELECT user_name FROM sessions WHERE ended_at IS NULL AND site = 'store'") == [
        {"user_name": "Bystander"}
    ]
    assert sql("SELECT count(*) AS count FROM standing_rules") == [{"count": 2}]
    told = sql(
        "SELECT DISTINCT detail ->> 'approval' AS id FROM audit_log WHERE detail ? 'incident' AND detail ? 'approval'"
    )
    assert told == [{"id": path.split("/")[-1]}]


def test_a_program_asks_too_and_its_maker_does_not_approve(owners: Any, apps: Any, sql: Any):
    first, second = owners
    services = apps["admin"].services
    maker = tokens.Actor(OWNER.email, Client(), user_id=UUID(OWNER.id))
    token = tokens.create(
        services.db, services.sessions.config.secrets, "soar", tuple(tokens.SCOPES), None, maker
    )[1]
    client = TestApp(apps["admin"], extra_environ={"REMOTE_ADDR": "198.51.100.7", "wsgi.url_scheme": "https"})
    sent = {"Host": url_of("admin").partition("://")[2], "Authorization": f"Bearer {token}"}

    def call(**body: Any) -> TestResponse:
        key = sent | {"Idempotency-Key": "one"}
        body |= {"reason": {"code": "incident"}}
        return client.post_json(
            "/api/v1/revocations", {"scope": {"everyone": True}} | body, headers=key, expect_errors=True
        )

    asked = call()
    assert asked.status_int == 202
    assert asked.json["state"] == "waiting"
    assert asked.json["act"] == "End everyone's sessions"
    assert call().json == asked.json
    path = f"/approvals/{asked.json['id']}"
    assert asked.json["page"] == url_of("admin") + path
    assert asked.headers["Location"] == f"/api/v1{path}"
    assert "approval_over" in decide(first, path).location
    assert client.get(f"/api/v1{path}", headers=sent).json["state"] == "waiting"
    decide(second, path)
    [made] = sql("SELECT id, actor FROM revocations")
    found = client.get(f"/api/v1{path}", headers=sent).json
    assert (found["state"], found["made_id"], made["actor"]) == ("approved", str(made["id"]), "token:soar")
    # A rule that reaches far waits as well; a dry run and a small act do not.
    body = {"device": "curl", "seconds": 60, "reason": {"code": "incident"}}
    assert client.post_json("/api/v1/rules", body, headers=sent).status_int == 202
    assert client.post_json("/api/v1/rules", body | {"dry_run": True}, headers=sent).status_int == 200
    assert client.post_json("/api/v1/rules", {"ip": "203.0.113.7"} | body, headers=sent).status_int == 201


def test_the_tokens_of_an_owner_and_the_console_add_up(owners: Any, apps: Any, sql: Any):
    first, _ = owners
    services = apps["admin"].services
    maker = tokens.Actor(OWNER.email, Client(), user_id=UUID(OWNER.id))
    client = TestApp(apps["admin"], extra_environ={"REMOTE_ADDR": "198.51.100.7", "wsgi.url_scheme": "https"})

    def end_all(name: str, *scopes: str) -> int:
        token = tokens.create(services.db, services.sessions.config.secrets, name, scopes, None, maker)[1]
        sent = {"Host": url_of("admin").partition("://")[2], "Authorization": f"Bearer {token}"}
        body = {"scope": {"ip": "203.0.113.0/24"}, "reason": {"code": "incident"}}
        status: int = client.post_json(
            "/api/v1/revocations", body, headers=sent, expect_errors=True
        ).status_int
        return status

    come(sql, 60)
    assert end_all("one", *tokens.SCOPES) == 201
    come(sql, 41, "Another")
    # Neither another token, nor one that may never reach far, nor the console begins the count anew.
    assert end_all("two", *tokens.SCOPES) == 202
    assert end_all("three", "sessions:revoke") == 403
    path_of(by_filter(first))
    assert sql("SELECT count(*) AS count FROM sessions WHERE ended_at IS NULL AND site = 'store'") == [
        {"count": 41}
    ]


def test_a_code_goes_without_a_second_owner_and_loudly(owners: Any, apps: Any, idp: Idp, sql: Any):
    first, _ = owners
    app = set_up(first)
    sql("UPDATE sessions SET authenticated_at = now() - interval '10 minutes' RETURNING 1")
    sql("UPDATE console_authenticators SET last_step = last_step - 10 RETURNING 1")
    idp.hook("fail", path="/", times=1000, drop=True)
    form = form_of(first.get("/break-glass", {"next": "/revoke-everyone"}), "/break-glass")
    form["code"] = app.now()
    form.submit(status=303)
    # Small acts leave no row of their own, until they reach far together.
    come(sql, 60)
    assert "/revocations/" in by_filter(first).location
    assert not events(sql, "acted_alone")
    come(sql, 41, "Another")
    assert "/revocations/" in by_filter(first).location
    [alone] = events(sql, "acted_alone")
    assert (alone["actor"], alone["detail"]["way"]) == (OWNER.email, "a code of an authenticator")
    assert "/revocations/" in everyone(first).location
    assert sql("SELECT recipient FROM outgoing_mail") == [{"recipient": person("responder").email}] * 2
    assert "2 acts on many people went without a second owner, by owner@harbour.example" in first.get("/")


def test_the_command_line_goes_without_a_second_owner_and_loudly(
    owners: Any, write_ini: Any, sql: Any, tmp_path: Path
):
    first, _ = owners
    ini = write_ini(**{"admin.two_people": "true", "mail.folder": str(tmp_path / "mail")})

    def run(*options: str) -> Any:
        words = ["sessions", *options[:1], ini, *options[1:], "--reason", "incident", "--yes"]
        return CliRunner().invoke(main, words, catch_exceptions=False)

    sql(MANY, count=1)
    [one] = sql("SELECT id FROM sessions WHERE site = 'store'")
    done = run("revoke", "--session", str(one["id"]))
    assert "second owner" not in done.stderr
    assert not events(sql, "acted_alone")
    done = run("revoke", "--site", "store")
    assert "went without a second owner" in done.stderr
    [alone] = events(sql, "acted_alone")
    assert alone["actor"].startswith("cli:")
    assert (alone["detail"]["typed"], alone["detail"]["way"]) == (
        "End all sessions of store",
        "the command line",
    )
    assert len(sql("SELECT 1 FROM outgoing_mail")) == 2
    assert "went without a second owner" in first.get("/")


def test_a_responder_reaches_no_further_and_asks_nobody(two_people: None, console: Console, sql: Any):
    come(sql, 101)
    client = console("responder")
    client.get("/sessions/revoke?filter=ip%3D203.0.113.0%2F24", status=403)
    client.get("/revoke-everyone", status=403)
    assert not sql("SELECT 1 FROM approvals")


# What takes the right away from the one who has asked, what gives it back, and what the page says.
LOST = [
    (
        "UPDATE sessions SET quarantined_at = now(), quarantine_reason = 'incident' WHERE user_id = :id",
        "UPDATE sessions SET quarantined_at = NULL, quarantine_reason = NULL WHERE user_id = :id",
        "The session that it was asked with is in quarantine.",
    ),
    (
        "UPDATE sessions SET ended_at = now(), end_reason = 'incident' WHERE user_id = :id",
        "UPDATE sessions SET ended_at = NULL, end_reason = NULL WHERE user_id = :id",
        "The session that it was asked with was revoked since.",
    ),
    (
        "INSERT INTO revocation_gates (key, epoch, revocation_id) VALUES ('user:' || :id, 1000, gen_random_uuid())",
        "DELETE FROM revocation_gates WHERE key = 'user:' || :id",
        "The session that it was asked with was revoked since.",
    ),
    (
        """INSERT INTO standing_rules (until, user_id, actor, reason_code)
        VALUES (now() + interval '1 day', CAST(:id AS uuid), 'ada', 'incident')""",
        "DELETE FROM standing_rules WHERE user_id = :id",
        "A deny rule refuses the owner who asked.",
    ),
    (
        "UPDATE sessions SET roles = '{responder}' WHERE user_id = :id",
        "UPDATE sessions SET roles = '{owner}' WHERE user_id = :id",
        "The one who asked is no owner of the console any more.",
    ),
    (
        "UPDATE approvals SET session_id = NULL WHERE user_id = :id",
        "UPDATE approvals SET session_id = (SELECT id FROM sessions WHERE user_id = approvals.user_id)",
        "There is nothing left to tell by",
    ),
]


def test_nobody_approves_what_the_one_who_asked_could_not_ask_for_now(owners: Any, idp: Idp, sql: Any):
    first, second = owners
    path = path_of(everyone(first))
    token = form_of(second.get(path), "/logout")["csrf_token"].value

    def refused(why: str) -> None:
        page = second.post(path, {"csrf_token": token, "decision": "approve"}, status=409)
        assert why in page
        assert not sql("SELECT 1 FROM revocations")

    for take, give_back, why in LOST:
        sql(f"{take} RETURNING 1", id=OWNER.id)
        page = second.get(path)
        assert why in page
        assert "Approve and do it" not in page
        refused(why)
        sql(f"{give_back} RETURNING 1", id=OWNER.id)
    # FusionAuth knows before the console does; while it is away, the roles count that it has last given.
    idp.hook("lock", email=OWNER.email)
    assert "Approve and do it" in second.get(path)
    refused("The one who asked is no owner of the console any more.")
    idp.hook("fail", path="/api/user", times=9, drop=True)
    # A session that its owner has left was good to the end.
    sql(
        "UPDATE sessions SET ended_at = now(), end_reason = 'logout' WHERE user_id = :id RETURNING 1",
        id=OWNER.id,
    )
    decide(second, path)
    assert sql("SELECT scope, actor FROM revocations") == [{"scope": "everyone", "actor": OWNER.email}]


def test_an_act_may_end_the_session_that_it_was_asked_with(owners: Any, sql: Any):
    first, second = owners
    form = form_of(first.get("/revoke-everyone"), "/revoke-everyone")
    form["include_own"] = True
    form["word"], form["reason"] = "everyone", "incident"
    decide(second, path_of(form.submit()))
    assert first.get("/").status_int == 302
    assert sql("SELECT scope FROM revocations") == [{"scope": "everyone"}]


def test_nobody_approves_what_a_revoked_token_has_asked_for(owners: Any, apps: Any, sql: Any):
    _, second = owners
    services = apps["admin"].services
    maker = tokens.Actor(OWNER.email, Client(), user_id=UUID(OWNER.id))
    client = TestApp(apps["admin"], extra_environ={"REMOTE_ADDR": "198.51.100.7", "wsgi.url_scheme": "https"})

    def ask() -> tuple[UUID, str]:
        made, token = tokens.create(
            services.db, services.sessions.config.secrets, "soar", tuple(tokens.SCOPES), None, maker
        )
        sent = {"Host": url_of("admin").partition("://")[2], "Authorization": f"Bearer {token}"}
        body = {"scope": {"everyone": True}, "reason": {"code": "incident"}}
        asked = client.post_json("/api/v1/revocations", body, headers=sent, status=202)
        return made, f"/approvals/{asked.json['id']}"

    token_id, path = ask()
    for state, why in (
        ("revoked_at = now()", "was revoked since"),
        ("revoked_at = NULL, expires_at = now()", "has expired since"),
        (
            "expires_at = now() + interval '1 day', created_at = now() - interval '91 days', last_used_at = NULL",
            "unused",
        ),
    ):
        sql(f"UPDATE api_tokens SET {state} RETURNING 1")
        assert why in second.get(path)
        csrf = form_of(second.get(path), "/logout")["csrf_token"].value
        assert why in second.post(path, {"csrf_token": csrf, "decision": "approve"}, status=409)
    assert not sql("SELECT 1 FROM revocations")
    # A new token of the same name asks anew, and is heard.
    tokens.revoke(services.db, maker, token_id=token_id)
    _, again = ask()
    assert again != path
    decide(second, again)
    assert sql("SELECT actor FROM revocations") == [{"actor": "token:soar"}]


def test_what_another_owner_has_approved_does_not_count_against_the_hour(owners: Any, sql: Any):
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
