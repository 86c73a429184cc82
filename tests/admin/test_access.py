"""Access to the console: every route, every method, every role."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from pyramid.interfaces import IRoutesMapper
from support import Browser

from shopforum import admin as package

ROLES = ("viewer", "responder", "owner")
# The permission of each page: read, revoke, or revoke everyone.
PAGES = {
    ("admin_dashboard", "GET"): ROLES,
    ("admin_search", "GET"): ROLES,
    ("admin_help", "GET"): ROLES,
    ("admin_sessions", "GET"): ROLES,
    ("admin_session", "GET"): ROLES,
    ("admin_user", "GET"): ROLES,
    ("admin_revocations", "GET"): ROLES,
    ("admin_revocation", "GET"): ROLES,
    ("admin_revocation_export", "GET"): ROLES,
    ("admin_revocation_people", "GET"): ROLES,
    ("admin_audit", "GET"): ROLES,
    ("admin_sessions_export", "GET"): ROLES,
    ("admin_audit_export", "GET"): ROLES,
    ("admin_news", "GET"): ROLES,
    ("admin_dismiss", "GET"): ("responder", "owner"),
    ("admin_dismiss", "POST"): ("responder", "owner"),
    ("admin_select", "POST"): ("responder", "owner"),
    ("admin_user_select", "POST"): ("responder", "owner"),
    ("admin_approvals", "GET"): ROLES,
    ("admin_approval", "GET"): ROLES,
    ("admin_approval", "POST"): ("owner",),
    ("admin_views", "GET"): ROLES,
    ("admin_views", "POST"): ROLES,
    ("admin_view", "POST"): ROLES,
    ("admin_view_delete", "POST"): ROLES,
    ("admin_drift", "GET"): ROLES,
    ("admin_drift", "POST"): ("responder", "owner"),
    ("admin_honey", "GET"): ROLES,
    ("admin_honey", "POST"): ("owner",),
    ("admin_honey_retire", "POST"): ("owner",),
    ("admin_rules", "GET"): ROLES,
    ("admin_explain", "GET"): ROLES,
    ("admin_incidents", "GET"): ROLES,
    ("admin_incidents", "POST"): ("responder", "owner"),
    ("admin_incident", "GET"): ROLES,
    ("admin_incident_contain", "GET"): ("responder", "owner"),
    ("admin_incident_contain", "POST"): ("responder", "owner"),
    ("admin_incident_filters", "POST"): ("responder", "owner"),
    ("admin_incident_notes", "POST"): ("responder", "owner"),
    ("admin_incident_close", "POST"): ("responder", "owner"),
    ("admin_incident_report", "GET"): ROLES,
    ("admin_incident_people", "GET"): ROLES,
    ("admin_incident_acts", "GET"): ROLES,
    ("admin_session_acts", "GET"): ROLES,
    ("admin_rules", "POST"): ("responder", "owner"),
    ("admin_rule_lift", "GET"): ("responder", "owner"),
    ("admin_rule_lift", "POST"): ("responder", "owner"),
    ("admin_flag", "POST"): ("responder", "owner"),
    ("admin_quarantine", "GET"): ("responder", "owner"),
    ("admin_quarantine", "POST"): ("responder", "owner"),
    ("admin_release", "GET"): ("responder", "owner"),
    ("admin_release", "POST"): ("responder", "owner"),
    ("admin_revoke", "GET"): ("responder", "owner"),
    ("admin_revoke", "POST"): ("responder", "owner"),
    ("admin_user_tokens", "POST"): ("owner",),
    ("admin_everyone", "GET"): ("owner",),
    ("admin_tokens", "GET"): ("owner",),
    ("admin_tokens", "POST"): ("owner",),
    ("admin_token_revoke", "POST"): ("owner",),
    ("admin_webhooks", "GET"): ROLES,
    ("admin_redeliver", "POST"): ("owner",),
    ("admin_everyone", "POST"): ("owner",),
    ("admin_authenticator", "GET"): ROLES,
    ("admin_authenticator", "POST"): ROLES,
    ("admin_authenticator_confirm", "POST"): ROLES,
    ("admin_authenticator_remove", "POST"): ROLES,
    ("admin_break_glass", "GET"): ROLES,
    ("admin_break_glass", "POST"): ROLES,
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def routes(app: Any) -> dict[str, str]:
    found = app.registry.getUtility(IRoutesMapper).get_routes()
    return {route.name: route.path for route in found if route.name.startswith("admin_")}


def token(page: Any) -> str:
    return str(page.forms[0]["csrf_token"].value)


def ask(client: Browser, method: str, address: str, csrf: str) -> Any:
    if method == "GET":
        return client.get(address, expect_errors=True)
    return client._gen_request(method, address, {"csrf_token": csrf}, expect_errors=True)


@pytest.mark.parametrize("role", ROLES)
def test_every_route_and_method(console: Callable[[str], Browser], role: str):
    client = console(role)
    csrf = token(client.get("/sessions"))
    known = routes(client.app)
    assert {name for name, _ in PAGES} == set(known), "a new page needs a row in PAGES"
    for name, path in known.items():
        for method in METHODS:
            address = path.replace("{id}", str(uuid4())).replace("{kind}", "two_places")
            answer = ask(client, method, address, csrf)
            allowed = PAGES.get((name, method))
            if allowed is None:
                assert answer.status_int in (404, 405), (name, method)
            elif role in allowed:
                assert answer.status_int in (200, 303, 404, 422), (name, method)
            else:
                assert answer.status_int == 403, (name, method)


def test_a_visitor_is_sent_to_the_login(admin: Browser):
    for name, path in routes(admin.app).items():
        if (name, "GET") in PAGES:
            answer = admin.get(path.replace("{id}", str(uuid4())))
            assert answer.status_int == 302, path
            assert answer.location.startswith("/login?next="), path


def test_every_view_of_the_package_is_a_page_of_the_table():
    assert {name for name, _ in package._ROUTES} == {name for name, _ in PAGES}


def test_a_viewer_sees_no_way_to_end_anything(console: Callable[[str], Browser], started: Callable[..., Any]):
    one = started()
    client = console("viewer")
    for path in ("/sessions", f"/sessions/{one.id}", f"/users/{one.user_id}", "/"):
        page = client.get(path)
        assert "/sessions/revoke" not in page
        assert "/revoke-everyone" not in page


def test_refused_tries_are_in_the_audit_log(
    console: Callable[[str], Browser], started: Callable[..., Any], sql: Any
):
    one = started()
    client = console("viewer")
    page = client.get("/audit")
    fields = {"csrf_token": token(page), "session": str(one.id), "reason": "test"}
    client.post("/sessions/revoke", fields, status=403)
    client.get("/revoke-everyone", status=403)
    assert sql("SELECT 1 AS one FROM sessions WHERE id = :id AND ended_at IS NULL", id=one.id)
    page = client.get("/audit?event=authz_fail")
    assert "/sessions/revoke" in page
    assert "/revoke-everyone" in page
    assert "viewer@harbour.example" in page


def test_a_responder_cannot_end_a_site(console: Callable[[str], Browser], started: Callable[..., Any]):
    one = started()
    client = console("responder")
    fields = {
        "csrf_token": token(client.get("/sessions")),
        "site": "store",
        "word": "store",
        "reason": "test",
    }
    client.post("/sessions/revoke", fields, status=403)
    assert one.browser.get("/shopping-cart").status_int == 200


def test_everyone_needs_a_fresh_password(console: Callable[[str], Browser], sql: Any, later: Any):
    client = console("owner")
    csrf = token(client.get("/revoke-everyone"))
    later(301)
    answer = client.get("/revoke-everyone", status=302)
    assert "why=fresh" in answer.location
    fields = {"csrf_token": csrf, "word": "everyone", "reason": "incident"}
    assert "/login?" in client.post("/revoke-everyone", fields, status=302).location
    fields |= {"word": "store", "site": "store"}
    assert "/login?" in client.post("/sessions/revoke", fields, status=302).location
    assert not sql("SELECT 1 AS one FROM revocations")


def test_without_a_token_nothing_happens(console: Callable[[str], Browser], started: Callable[..., Any]):
    one = started()
    client = console("owner")
    client.post("/sessions/revoke", {"session": str(one.id), "reason": "test"}, status=403)
    client.post("/revoke-everyone", {"word": "everyone", "reason": "test"}, status=403)
    assert one.browser.get("/shopping-cart").status_int == 200
