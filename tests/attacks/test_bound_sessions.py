"""Bound sessions, as browsers and thieves play them with the sites. The files tests/sessions/test_binding… have the rules."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import hypothesis
import psycopg2
import pytest
import requests
from device_client import BOUND, DeviceClient, next_challenge, offer
from http_helpers import REFRESH, SESSION, give, set_cookies
from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st
from sockets import request, send, served
from sqlalchemy.exc import OperationalError
from support import Browser, person, url_of

import shopforum
from shopforum.sessions import Reason, Scope
from shopforum.sessions.audit import Client

PAGES = {"store": ("shopper", "/orders"), "forums": ("member", "/posts"), "admin": ("owner", "/sessions")}


@pytest.fixture
def bound(browser):
    """`bound(site)`: a signed-in browser whose session is bound."""

    def make(site: str = "store") -> DeviceClient:
        client = DeviceClient(browser(site))
        client.log_in(PAGES[site][0])
        return client

    return make


def drop(client: Browser, name: str) -> None:
    """Drop a cookie, as a browser does when its time is over."""
    host = client.extra_environ["HTTP_HOST"]
    del client.cookiejar._cookies[host]["/"][name]


def jar(client: Browser) -> dict[str, str]:
    return {name: client.cookies[name] for name in (SESSION, REFRESH, BOUND) if name in client.cookies}


def expire(sql: Any) -> None:
    """Every bound cookie is too old from now on."""
    sql("UPDATE session_bound_cookies SET expires_at = now()")


def away(*_: Any, **__: Any) -> None:
    """In place of a statement: the database is away."""
    raise OperationalError("SELECT 1", {}, psycopg2.OperationalError("the server is away"))


def refused(answer: Any) -> bool:
    """Return True if no page was served, and the login page offered in its place."""
    return answer.status_int == 302 and urlsplit(answer.location).path == "/login"


@pytest.mark.parametrize("site", PAGES)
def test_a_login_binds_the_session_and_the_pages_ask_for_its_cookie(browser, sql, site):
    client = DeviceClient(browser(site))
    who, page = PAGES[site]
    answer = client.log_in(who)
    cookie = set_cookies(answer)[BOUND]
    attributes = f"Path=/; Secure; HttpOnly; SameSite={'Strict' if site == 'admin' else 'Lax'}"
    assert answer.json == {
        "session_identifier": client.identifier,
        "refresh_url": "/dbsc/refresh",
        "scope": {"include_site": False},
        "allowed_refresh_initiators": ["*"],
        "credentials": [{"type": "cookie", "name": BOUND, "attributes": attributes}],
    }
    # The attributes that the browser is told are those that are set: otherwise it never renews the cookie.
    assert set(attributes.split("; ")) | {"Max-Age=600"} == set(cookie.split("; ")[1:])
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.browser.get(page).status_int == 200
    drop(client.browser, BOUND)
    assert refused(client.browser.get(page, status="*"))
    renewed = client.renew()
    assert (renewed.status_int, renewed.json["session_identifier"]) == (200, client.identifier)
    assert client.browser.get(page).status_int == 200
    assert sql("SELECT proofs FROM session_keys") == [{"proofs": 2}]


def test_a_browser_without_the_feature_sees_the_same_cookies_and_no_other_page(store, count_sql):
    login = store.log_in("shopper", status=302)
    assert offer(login)
    assert set(store.cookies) == {SESSION, REFRESH, "__Host-device"}
    for path in ("/orders", "/account/sessions"):
        store.get(path)
        with count_sql(store) as statements:
            answer = store.get(path, status=200)
        assert len([statement for statement in statements if "shopforum_find" in statement]) == 1
        assert not [name for name in answer.headers if name.startswith("Secure-Session")]


def test_a_page_of_a_bound_session_costs_one_statement_for_it(bound, count_sql):
    client = bound().browser
    client.get("/orders")
    with count_sql(client) as statements:
        client.get("/orders", status=200)
    assert len(statements) == 2


def test_a_second_factor_offers_it_too(store, idp):
    idp.hook("user", email=person("shopper").email, twoFactor=True)
    page = store.log_in("shopper", status=302).follow()
    form = next(form for form in page.forms.values() if "code" in form.fields)
    form["code"] = requests.get(f"{idp.hooks}/two-factor", timeout=60).json()["challenges"][-1]["code"]
    assert DeviceClient(store).register(form.submit(status=302)).status_int == 200


def test_the_password_once_more_begins_a_session_with_a_key_of_its_own(bound, sql):
    client = bound()
    before, first = client.identifier, jar(client.browser)
    page = client.browser.get("/login?why=fresh")
    form = next(form for form in page.forms.values() if "password" in form.fields)
    form["password"] = person("shopper").password
    client.register(form.submit(status=302))
    assert client.identifier != before
    assert client.browser.get("/orders").status_int == 200
    assert [
        row["ended"] for row in sql("SELECT ended_at IS NOT NULL AS ended FROM sessions ORDER BY created_at")
    ] == [
        True,
        False,
    ]
    # The older session is over, and its late renewal sets nothing.
    older = client.post("/dbsc/refresh", Sec_Secure_Session_Id=before)
    assert (older.status_int, older.json["continue"], set_cookies(older)) == (403, False, {})
    assert jar(client.browser) != first


def test_off_sends_no_header_at_all(settings, apps):
    app = shopforum.main({}, **settings("store") | {"sessions.binding": "off"})
    try:
        client = Browser(app, url_of("store"))
        answer = client.log_in("shopper", status=302)
        again = client.get("/orders", status=200)
        assert not [name for name in (*answer.headers, *again.headers) if name.startswith("Secure-Session")]
        assert set(client.cookies) == {SESSION, REFRESH, "__Host-device"}
    finally:
        app.services.db.engine.dispose()


def test_a_thief_with_the_whole_jar_is_refused_when_it_has_expired_and_the_owner_notices_nothing(
    bound, thief, sql, idp
):
    """The same address and the same agent do not help him, nor a renewal: he cannot sign."""
    client = bound()
    stolen = jar(client.browser)
    robber = DeviceClient(thief("store", stolen))
    robber.browser.get("/orders", status=200)
    expire(sql)
    # Before the owner's next request: the browser renews first.
    assert client.renew().status_int == 200
    idp.forget_calls()
    for address in ("203.0.113.66", "127.0.0.1"):
        robber.browser.extra_environ["REMOTE_ADDR"] = address
        give(robber.browser, stolen)
        answer = robber.browser.get("/orders", status="*")
        assert refused(answer)
        # His bound cookie is worth nothing any more; no other cookie changes.
        assert set(set_cookies(answer)) == {BOUND}
        assert "Max-Age=0" in set_cookies(answer)[BOUND]
    robber.identifier = client.identifier
    assert robber.renew().status_int == 403
    assert set_cookies(robber.renew()) == {}
    assert idp.calls() == []
    client.browser.get("/orders", status=200)
    assert len(sql("SELECT 1 FROM sessions WHERE ended_at IS NULL AND quarantined_at IS NULL")) == 1
    assert {row["kind"] for row in sql("SELECT kind FROM session_flags")} >= {
        "session_used_without_key",
        "session_binding_refused",
    }


def test_a_thief_who_logs_in_with_half_of_the_jar_gets_no_more_of_it(bound, browser, sql):
    """The stolen session id beside a login of his own: that ends nothing, and binds nothing, of the owner's."""
    client = bound()
    robber = give(browser("store", "203.0.113.66"), {SESSION: jar(client.browser)[SESSION]})
    DeviceClient(robber).log_in("member")
    assert robber.get("/orders", status=200)
    client.browser.get("/orders", status=200)
    owners = sql("SELECT user_email FROM sessions WHERE ended_at IS NULL ORDER BY created_at")
    assert [row["user_email"].partition("@")[0] for row in owners] == ["shopper", "member"]


def test_the_login_page_says_what_happened_and_a_login_binds_anew(bound, sql):
    client = bound()
    expire(sql)
    drop(client.browser, BOUND)
    page = client.browser.get("/orders").follow()
    assert (
        "works only in the browser and on the device where it began" in page.html.select_one("#notice").text
    )
    for reason, said in {
        "quota_exceeded": "too often",
        "server_error": "We had a fault",
        "unreachable": "could not reach us",
    }.items():
        skipped = f'unreachable;session_identifier="SID", {reason};session_identifier="{client.identifier}"'
        page = client.browser.get("/login", headers={"Secure-Session-Skipped": skipped})
        assert said in page.html.select_one("#notice").text
        [row] = sql("SELECT skipped_reason FROM session_keys")
        assert row["skipped_reason"] == reason
    client.log_in("shopper")
    client.browser.get("/orders", status=200)
    assert len(sql("SELECT 1 FROM sessions WHERE ended_at IS NULL")) == 1


def test_a_form_that_came_without_the_key_is_there_after_the_login(bound, sql):
    client = bound("forums")
    token = client.browser.get("/posts").html.select_one("input[name=csrf_token]")["value"]
    drop(client.browser, BOUND)
    fields = {"csrf_token": token, "title": "A long title", "body": "A text of an hour"}
    answer = client.browser.post("/categories/help/topics", fields, status=302)
    way = parse_qs(urlsplit(answer.location).query)["next"][0]
    assert way.startswith("/resume/")
    form = next(
        form
        for form in client.browser.get("/login", {"next": way}).forms.values()
        if "password" in form.fields
    )
    form["email"], form["password"] = person("member").email, person("member").password
    login = form.submit(status=302)
    client.register(login)
    assert "A text of an hour" in client.browser.get(login.location, status=200).text


def test_after_a_fault_of_ours_a_form_goes_on_without_the_password(bound, apps, sql, monkeypatch):
    """The renewal failed, and the form came without the key. The browser renews before the login page, which leads back to it."""
    client = bound("forums")
    token = client.browser.get("/posts").html.select_one("input[name=csrf_token]")["value"]
    expire(sql)
    drop(client.browser, BOUND)
    with monkeypatch.context() as patch:
        patch.setattr(apps["forums"].services.sessions.db, "_run", away)
        assert client.renew().status_int == 503
    fields = {"csrf_token": token, "title": "A long title", "body": "A text of an hour"}
    skipped = f'server_error;session_identifier="{client.identifier}"'
    answer = client.browser.post(
        "/categories/help/topics", fields, headers={"Secure-Session-Skipped": skipped}, status=302
    )
    assert "why=without_key_server" in answer.location
    client.challenge = None
    assert client.renew().status_int == 200
    saved = client.browser.get(answer.location, status=302)
    assert "A text of an hour" in client.browser.get(saved.location, status=200).text
    assert len(sql("SELECT 1 FROM sessions WHERE ended_at IS NULL")) == 1


def test_a_cookie_that_is_worth_nothing_is_deleted_so_that_the_browser_renews_it(bound, sql):
    """As when its clock runs behind: it would otherwise ask for the password until the cookie's own end."""
    client = bound()
    expire(sql)
    assert refused(client.browser.get("/orders"))
    assert BOUND not in client.browser.cookies
    client.renew()
    # The login page finds the session, and leads on.
    assert urlsplit(client.browser.get("/login?next=/orders", status=302).location).path == "/orders"
    client.browser.get("/orders", status=200)


def test_a_logout_and_a_revocation_end_the_binding(bound, browser, apps, sql):
    client = bound()
    form = next(form for form in client.browser.get("/orders").forms.values() if form.action == "/logout")
    assert "Max-Age=0" in set_cookies(form.submit(status=303))[BOUND]
    for answer in (client.renew(), client.renew()):
        assert (answer.status_int, answer.json) == (
            403,
            {"session_identifier": client.identifier, "continue": False},
        )
        assert set_cookies(answer) == {}
        assert "Secure-Session-Challenge" not in answer.headers
    other = bound()
    apps["admin"].services.sessions.revoke(Scope(everyone=True), Reason("admin", "ann", "incident"), Client())
    assert other.renew().json["continue"] is False


def test_with_fusionauth_away_a_session_is_bound_and_renewed(store, idp, sql):
    client = DeviceClient(store)
    login = store.log_in("shopper", status=302)
    idp.hook("fail", path="/", times=1000, status=503)
    idp.forget_calls()
    client.register(login)
    expire(sql)
    assert client.renew().status_int == 200
    store.get("/orders", status=200)
    assert idp.calls() == []


def test_with_the_database_away_the_browser_hears_of_our_fault_and_keeps_its_binding(
    bound, apps, monkeypatch
):
    client = bound()
    before = jar(client.browser)

    with monkeypatch.context() as patch:
        patch.setattr(apps["store"].services.sessions.db, "_run", away)
        answer = client.renew()
        assert (answer.status_int, bool(answer.headers["Retry-After"])) == (503, True)
        assert set_cookies(answer) == {}
        assert client.post("/dbsc/register", Secure_Session_Response="x").status_int == 503
    assert jar(client.browser) == before
    client.challenge = None
    assert client.renew().status_int == 200


@pytest.mark.parametrize("path", ["/dbsc/register", "/dbsc/refresh"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.test"},
        {"Origin": "https://forums.test", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_another_site_s_page_starts_nothing(bound, sql, path, headers):
    client = bound()
    before = sql("SELECT * FROM session_challenges")
    answer = client.browser.post(
        path, "", headers={"Sec-Secure-Session-Id": client.identifier, **headers}, status=403
    )
    assert "Secure-Session-Challenge" not in answer.headers
    assert sql("SELECT * FROM session_challenges") == before


def test_headers_come_quoted_or_bare(bound):
    client = bound()
    for quote in ("", '"'):
        proof = f"{quote}{client.device.renewal(client.challenge)}{quote}"
        name = f"{quote}{client.identifier}{quote}"
        answer = client.post(
            "/dbsc/refresh", Sec_Secure_Session_Id=name, Secure_Session_Response=proof, status=200
        )
        client.challenge = next_challenge(answer)


@pytest.mark.parametrize(
    "odd",
    [
        "{0}, {0}",
        '"{0}", "{0}"',
        "'{0}'",
        ":{0}:",
        '"{0}',
        "{0};a=1",
        "({0})",
        "",
        '"',
        '""',
        "?1",
        "\xe9{0}",
    ],
)
def test_odd_headers_are_refused_and_never_an_error(bound, odd):
    client = bound()
    proof = odd.format(client.device.renewal(client.challenge))
    answer = client.post(
        "/dbsc/refresh", Sec_Secure_Session_Id=client.identifier, Secure_Session_Response=proof
    )
    assert answer.status_int == 403
    assert set_cookies(answer) == {}
    named = client.post("/dbsc/refresh", Sec_Secure_Session_Id=odd.format(client.identifier))
    assert named.status_int == 403
    assert next_challenge(named) is None
    assert client.renew().status_int == 200


def test_headers_that_come_twice_are_refused(bound, apps):
    """By a real server, byte for byte: the proof once more, a good one beside a bad one, and two names."""
    client = bound()
    good, bad = client.device.renewal(client.challenge), DeviceClient(client.browser).device.renewal("c" * 43)
    proof, name = "Secure-Session-Response: {}".format, "Sec-Secure-Session-Id: {}".format
    ours, other = name(client.identifier), name("other")
    with served(apps["store"]) as port:
        for headers in (
            (ours, proof(good), proof(good)),
            (ours, proof(bad), proof(good)),
            (ours, proof(good), proof(bad)),
            (ours, other, proof(good)),
            (other, ours, proof(good)),
        ):
            answer = send(port, request("POST", "/dbsc/refresh", *headers, "Content-Length: 0"))
            assert (answer.status, answer.header("Set-Cookie")) == (403, None)
        # None of them has used the challenge up.
        answer = send(port, request("POST", "/dbsc/refresh", ours, proof(good), "Content-Length: 0"))
    assert answer.status == 200
    assert BOUND in answer.header("Set-Cookie")


@hypothesis.settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_request_gets_a_cookie_without_a_proof_or_breaks_anything(bound_once, data):
    """Headers of any text that HTTP can carry, and proofs that were edited."""
    client, proof = bound_once
    texts = st.text(
        st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=60
    )
    cut = data.draw(st.integers(0, len(proof)))
    edited = proof[:cut] + data.draw(texts) + proof[data.draw(st.integers(cut, len(proof))) :]
    assume(edited.strip(' "') != proof)
    name = data.draw(st.sampled_from([client.identifier, client.identifier[:-1], ""]) | texts)
    path = data.draw(st.sampled_from(["/dbsc/refresh", "/dbsc/register"]))
    skipped = data.draw(texts)
    answer = client.post(
        path, Sec_Secure_Session_Id=name, Secure_Session_Response=edited, Secure_Session_Skipped=skipped
    )
    assert answer.status_int == 403
    assert BOUND not in set_cookies(answer)


@pytest.fixture
def bound_once(bound):
    client = bound()
    return client, client.device.renewal(client.challenge)


def test_require_says_which_browsers_can(settings, apps, sql):
    app = shopforum.main({}, **settings("store") | {"sessions.binding": "require"})
    try:
        client = Browser(app, url_of("store"))
        client.log_in("shopper", status=302)
        client.get("/orders", status=200)
        sql("UPDATE sessions SET bindable_until = now()")
        page = client.get("/orders", status=302).follow()
        assert "Chrome and Edge" in page.html.select_one("#notice").text
        assert DeviceClient(client).log_in("shopper").status_int == 200
        sql("UPDATE sessions SET bindable_until = now()")
        client.get("/orders", status=200)
    finally:
        app.services.db.engine.dispose()


@pytest.mark.parametrize("site", PAGES)
def test_a_thief_with_the_cookies_hears_no_name_to_ask_under(bound, thief, site):
    client = bound(site)
    robber = DeviceClient(thief(site, jar(client.browser)))
    answer = robber.post("/dbsc/register", Secure_Session_Response=robber.device.registration("c" * 43))
    assert (answer.status_int, answer.json, set_cookies(answer)) == (403, {"continue": False}, {})
    assert client.identifier not in str(answer.headers)


def test_no_secret_of_a_binding_is_logged(logged, bound, sql):
    client = bound()
    proof = client.device.renewal(client.challenge)
    client.post("/dbsc/refresh", Sec_Secure_Session_Id=client.identifier, Secure_Session_Response=proof + "x")
    client.renew()
    written = logged() + str(sql("SELECT * FROM audit_log"))
    for secret in (client.browser.cookies[BOUND], client.challenge, proof):
        assert secret not in written
