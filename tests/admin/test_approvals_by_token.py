"""Two people, and programs: a token asks as the owner who made it does, and its maker approves nothing it asks."""

from typing import Any
from uuid import UUID

from page_forms import form_of
from support import url_of
from webtest import TestApp, TestResponse

from shopforum.api_tokens import tokens
from shopforum.sessions.audit import Client

from .approval_steps import OWNER, by_filter, come, decide, path_of


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
