"""Reaching for more than one has: the console without a role, another's things by their ids, roles that one claims."""

import base64
import json

import pytest
from http_helpers import SESSION, credentials, give, set_cookies
from support import person

CONSOLE = [
    "/",
    "/sessions",
    "/audit",
    "/revocations",
    "/revoke-everyone",
    "/users/{user}",
    "/sessions/{session}",
]


def token_of(page):
    return page.html.select_one("input[name=csrf_token]")["value"]


@pytest.fixture
def shopper(store, sql):
    store.log_in("shopper")
    [row] = sql("SELECT id, user_id FROM sessions")
    return store, row


@pytest.mark.parametrize("site", ["store", "forums"])
def test_a_customer_s_cookies_open_no_page_of_the_console(browser, sql, site):
    customer = browser(site)
    customer.log_in("member")
    [row] = sql("SELECT id, user_id FROM sessions")
    intruder = give(browser("admin"), credentials(customer))
    for path in CONSOLE:
        answer = intruder.get(path.format(user=row["user_id"], session=row["id"]), status=302)
        assert answer.headers["Location"].startswith("/login?next=")
    token = token_of(customer.get("/account/sessions"))
    fields = {"csrf_token": token, "session": str(row["id"]), "reason": "test", "word": "everyone"}
    for path in ("/sessions/revoke", "/revoke-everyone"):
        assert intruder.post(path, fields, status="*").status_int in (302, 403)
    assert sql("SELECT 1 FROM revocations") == []


@pytest.mark.parametrize("site", ["store", "forums"])
def test_the_console_s_addresses_are_not_there_on_the_other_sites(browser, sql, site):
    client = browser(site)
    client.log_in("member")
    token = token_of(client.get("/account/sessions"))
    for path in (
        "/audit",
        "/sessions",
        "/revocations",
        "/revoke-everyone",
        "/users/1",
        "/admin",
        "/admin/sessions",
    ):
        client.get(path, status=404)
        assert client.post(path, {"csrf_token": token}, status="*").status_int == 404
    client.get("/audit", extra_environ={"HTTP_HOST": "admin.test"}, status=421)


def test_a_role_is_what_fusionauth_says_and_nothing_that_is_sent(browser, idp, sql):
    """Neither in the form, nor in a header, nor in a token of one's own making."""
    claims = {"sub": person("viewer").id, "roles": ["owner"], "applicationId": "admin"}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    forged = f"eyJhbGciOiJub25lIn0.{body}."
    viewer = browser("admin")
    page = viewer.get("/login")
    fields = {
        "email": person("viewer").email,
        "password": person("viewer").password,
        "csrf_token": token_of(page),
    }
    viewer.post("/login", {**fields, "roles": "owner", "role": "owner", "applicationId": "x"}, status=302)
    headers = {
        "Authorization": f"Bearer {forged}",
        "X-Roles": "owner",
        "X-Remote-User": person("owner").email,
    }
    more = f"access_token={forged}; app.at={forged}; roles=owner"
    cookie = f"{SESSION}={credentials(viewer)[SESSION]}; {more}"
    viewer.get("/revoke-everyone", headers={**headers, "Cookie": cookie}, status=403)
    viewer.get("/revoke-everyone?roles=owner&role=owner", status=403)
    [row] = sql("SELECT roles FROM sessions")
    assert row["roles"] == ["viewer"]
    assert sql("SELECT 1 FROM audit_log WHERE event = 'authz_fail'")


def test_nobody_without_a_role_gets_a_session_of_the_console(admin, sql):
    answer = admin.log_in("shopper", status=422)
    assert SESSION not in set_cookies(answer)
    assert sql("SELECT 1 FROM sessions") == []


def test_another_s_session_order_or_kept_form_is_not_there(shopper, browser, sql):
    store, _ = shopper
    other = browser("store")
    other.log_in("member")
    theirs = sql("SELECT id FROM sessions ORDER BY created_at DESC LIMIT 1")[0]["id"]
    token = token_of(store.get("/account/sessions"))
    for path in (f"/account/sessions/{theirs}/revoke", f"/account/sessions/{theirs}/REVOKE"):
        store.post(path, {"csrf_token": token, "session": str(theirs)}, status=404)
    store.get(f"/orders/{theirs}", status=404)
    store.get(f"/resume/{'A' * 43}", status=404)
    assert sql("SELECT 1 FROM sessions WHERE ended_at IS NOT NULL") == []
    other.get("/shopping-cart", status=200)


def test_a_user_locked_at_fusionauth_is_out_at_the_next_refresh(browser, idp, sql, idle_out):
    moderator = browser("forums")
    moderator.log_in("moderator")
    moderator.get("/posts", status=200)
    idp.hook("lock", email=person("moderator").email, on=True)
    idle_out()
    moderator.get("/posts", status=302)
    assert credentials(moderator) == {}
    assert [row["end_reason"] for row in sql("SELECT end_reason FROM sessions")] == ["refresh_refused"]
