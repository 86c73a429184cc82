"""The second factor: asked for after the right password, in time, and as slow to guess as a password."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import requests
from clocks import SimulatedClock
from support import APPLICATIONS, Browser, Idp, person
from webtest import TestResponse

from shopforum.sessions import Reason, Scope
from shopforum.sessions.audit import Client

Sql = Callable[..., list[dict[str, Any]]]
LOGIN = person("shopper")
COOKIE = "__Host-two-factor"


@pytest.fixture(autouse=True)
def _second_factor(idp: Idp) -> None:
    idp.hook("user", email=LOGIN.email, twoFactor=True)


def code_of(idp: Idp) -> str:
    challenges = requests.get(f"{idp.hooks}/two-factor", timeout=60).json()["challenges"]
    return str(challenges[-1]["code"])


def code_form(page: TestResponse) -> Any:
    return next(form for form in page.forms.values() if "code" in form.fields)


def begin(client: Browser, **fields: str) -> TestResponse:
    answer = client.log_in(LOGIN, **fields)
    assert answer.status_int == 302
    assert urlsplit(answer.location).path == "/login/two-factor"
    assert "__Host-session" not in client.cookies
    return answer.follow()


def submit(page: TestResponse, code: str) -> TestResponse:
    form = code_form(page)
    form["code"] = code
    return form.submit(expect_errors=True)


def test_the_right_code_finishes_the_login(store: Browser, idp: Idp, sql: Sql, audit: Any) -> None:
    page = begin(store, next="/orders")
    assert code_form(page)["code"].attrs["autocomplete"] == "one-time-code"
    code = code_of(idp)
    answer = submit(page, f" {code[:3]} {code[3:]} ")
    assert answer.status_int == 302
    assert answer.location == "/orders"
    assert COOKIE not in store.cookies
    assert store.get("/account/sessions").status_int == 200
    assert len(audit("authn_login_success")) == 1
    assert sql("SELECT 1 FROM login_failures WHERE failures > 0") == []


def test_the_login_counts_from_the_password(store: Browser, idp: Idp, sql: Sql) -> None:
    before = sql("SELECT clock_timestamp() AS at")[0]["at"]
    page = begin(store)
    between = sql("SELECT clock_timestamp() AS at")[0]["at"]
    submit(page, code_of(idp))
    [row] = sql("SELECT authenticated_at FROM sessions")
    assert before < row["authenticated_at"] < between


def test_a_revocation_meanwhile_beats_the_login(store: Browser, idp: Idp, sql: Sql) -> None:
    page = begin(store)
    sql(
        "WITH next AS (UPDATE revocation_counter SET n = n + 1 RETURNING n)"
        " INSERT INTO revocation_gates (key, epoch, revocation_id) SELECT %s, n, gen_random_uuid() FROM next",
        f"user:{LOGIN.id}",
    )
    submit(page, code_of(idp))
    assert store.get("/account/sessions").status_int == 302


def test_the_challenge_is_in_no_address_page_or_table(store: Browser, idp: Idp, sql: Sql) -> None:
    page = begin(store)
    [challenge] = requests.get(f"{idp.hooks}/two-factor", timeout=60).json()["challenges"]
    assert challenge["twoFactorId"] not in page.text
    assert challenge["twoFactorId"] not in page.request.url
    assert LOGIN.email not in page.text
    dump = json.dumps(sql("SELECT * FROM audit_log"), default=str)
    assert challenge["twoFactorId"] not in dump


def test_a_wrong_code_is_422_and_may_be_tried_again(store: Browser, idp: Idp, audit: Any) -> None:
    page = begin(store)
    wrong = submit(page, "000000" if code_of(idp) != "000000" else "111111")
    assert wrong.status_int == 422
    assert "This code is wrong" in wrong.text
    assert code_form(wrong)["code"].value == ""
    assert audit("authn_login_fail")[0]["detail"]["kind"] == "code"
    assert submit(wrong, code_of(idp)).status_int == 302


@pytest.mark.parametrize("code", ["", "   ", "9" * 65])
def test_a_text_that_cannot_be_a_code_is_not_sent(store: Browser, idp: Idp, code: str) -> None:
    page = begin(store)
    assert submit(page, code).status_int == 422
    assert idp.calls("/api/two-factor/login") == []


def test_guessing_codes_gets_slower(
    store: Browser, idp: Idp, browser: Any, database_clock: SimulatedClock
) -> None:
    page = begin(store)
    right = code_of(idp)
    wrong = "000000" if right != "000000" else "111111"
    # The login has sent a code, which counts.
    assert [submit(page, wrong).status_int for _ in range(4)] == [422] * 4
    refused = submit(page, right)
    assert refused.status_int == 429
    assert int(refused.headers["Retry-After"]) >= 1
    # Beginning anew does not begin the count anew, though the password is right.
    database_clock.seconds += 2
    assert browser("store").log_in(LOGIN).status_int == 302
    again = browser("store")
    database_clock.seconds += 4
    again = begin(again)
    assert submit(again, wrong).status_int == 429


def test_a_challenge_that_the_provider_has_forgotten_leads_to_the_login(store: Browser, idp: Idp) -> None:
    page = begin(store)
    idp.hook("fail", path="/api/two-factor/login", times=1, status=404, body="")
    answer = submit(page, "123456")
    assert answer.status_int == 303
    assert answer.location == "/login?why=challenge"
    assert "The code has expired" in answer.follow().text
    assert COOKIE not in store.cookies


def test_a_code_is_good_for_one_login(store: Browser, idp: Idp) -> None:
    page = begin(store)
    code, before = code_of(idp), list(store.cookiejar)
    assert submit(page, code).status_int == 302
    store.reset()
    for cookie in before:
        store.cookiejar.set_cookie(cookie)
    answer = submit(store.get("/login/two-factor"), code)
    assert answer.location == "/login?why=challenge"
    assert "__Host-session" not in store.cookies


def test_without_a_challenge_there_is_no_page(store: Browser) -> None:
    assert store.get("/login/two-factor", status=302).location == "/login?why=challenge"
    token = store.get("/login").html.select_one("input[name=csrf_token]")["value"]
    answer = store.post("/login/two-factor", {"csrf_token": token, "code": "1"}, status=303)
    assert answer.location == "/login?why=challenge"


def test_a_forged_challenge_is_refused(store: Browser, forums: Browser) -> None:
    begin(store)
    cookie = store.cookies[COOKIE]

    def visit(client: Browser, value: str) -> int:
        client.reset()
        return int(client.get("/login/two-factor", headers={"Cookie": f"{COOKIE}={value}"}).status_int)

    body, _, mac = cookie.rpartition(".")
    content = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    content[3] = "2999-01-01T00:00:00+00:00"
    forged = base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
    for value in (f"{forged}.{mac}", f"{body}.{mac[::-1]}", body, "junk", f".{mac}", "x" * 4000):
        assert visit(store, value) == 302
    assert visit(forums, cookie) == 302
    assert visit(store, cookie) == 200


def test_a_code_can_be_sent(store: Browser, idp: Idp) -> None:
    page = begin(store)
    assert "A code is on its way" in page.text
    first = code_of(idp)
    form = next(form for form in page.forms.values() if "send" in form.fields)
    assert "s…@harbour.example" in page.text
    sent = form.submit("send", value="TEST", status=303).follow()
    assert "A code is on its way" in sent.text
    assert len(idp.calls("/api/two-factor/send")) == 2
    if first != code_of(idp):
        assert submit(sent, first).status_int == 422
    assert submit(sent, code_of(idp)).status_int == 302


@pytest.mark.parametrize(
    "methods",
    [
        [{"id": "A", "method": "authenticator"}],
        [{"id": "K", "method": "webauthn"}],
        [{"id": "TEST", "method": "email"}, {"id": "S", "method": "sms"}],
    ],
)
def test_nothing_is_sent_where_there_is_a_choice(
    store: Browser, idp: Idp, sql: Sql, methods: list[dict[str, str]]
) -> None:
    idp.hook("fail", path="/api/login", times=1, status=242, body={"twoFactorId": "x", "methods": methods})
    assert "on its way" not in begin(store).text
    assert idp.calls("/api/two-factor/send") == []
    assert sql("SELECT 1 FROM login_failures WHERE failures > 0") == []


@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_code_that_cannot_be_sent_at_once_can_be_asked_for(store: Browser, idp: Idp, status: int) -> None:
    idp.hook("fail", path="/api/two-factor/send", times=1, status=status)
    page = begin(store)
    assert "on its way" not in page.text
    form = next(form for form in page.forms.values() if "send" in form.fields)
    assert "on its way" in form.submit("send", value="TEST", status=303).follow().text


@pytest.mark.usefixtures("database_clock")
def test_codes_are_not_sent_without_end(store: Browser, idp: Idp) -> None:
    form = next(form for form in begin(store).forms.values() if "send" in form.fields)
    statuses = [form.submit("send", value="TEST", expect_errors=True).status_int for _ in range(7)]
    assert statuses == [303] * 4 + [429] * 3
    assert "Wait 1 second, then" in form.submit("send", value="TEST", status=429).text
    # The first was sent by the login.
    assert len(idp.calls("/api/two-factor/send")) == 1 + statuses.count(303)


def test_a_method_that_was_not_offered_is_not_used(store: Browser, idp: Idp) -> None:
    page = begin(store)
    token = code_form(page)["csrf_token"].value
    answer = store.post("/login/two-factor", {"csrf_token": token, "send": "OTHER"}, status=303)
    assert "why=challenge" in answer.location
    assert len(idp.calls("/api/two-factor/send")) == 1


def test_a_provider_that_is_away_is_503(store: Browser, idp: Idp) -> None:
    page = begin(store)
    idp.hook("fail", path="/api/two-factor/login", times=1, status=503)
    answer = submit(page, code_of(idp))
    assert answer.status_int == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert submit(answer, code_of(idp)).status_int == 302


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 203, "body": {}}, "it has to be changed"),
        ({"status": 212}, "not confirmed"),
        ({"status": 400, "body": {"generalErrors": [{"code": "[LoginRestricted]"}]}}, "cannot log in here"),
        ({"status": 409, "body": {"actions": []}}, "cannot log in here"),
        ({"status": 423}, "cannot log in here"),
    ],
)
def test_a_user_who_is_refused_after_the_right_code_is_told_why(
    store: Browser, idp: Idp, sql: Sql, answer: dict[str, Any], words: str
) -> None:
    page = begin(store, next="/orders")
    idp.hook("fail", path="/api/two-factor/login", times=1, **answer)
    refused = submit(page, code_of(idp))
    assert refused.status_int == 422
    assert words in refused.text
    assert COOKIE not in store.cookies
    # The code that the login has sent.
    assert [
        round(row["failures"]) for row in sql("SELECT failures FROM login_failures WHERE failures > 0.5")
    ] == [1]
    form = next(form for form in refused.forms.values() if "password" in form.fields)
    assert (form.action, form["next"].value) == ("/login", "/orders")
    form["email"], form["password"] = LOGIN.email, LOGIN.password
    assert urlsplit(form.submit().location).path == "/login/two-factor"


def test_a_password_that_has_to_be_changed_is_changed_after_the_code(store: Browser, idp: Idp) -> None:
    page = begin(store)
    body = {"changePasswordId": "x", "changePasswordReason": "Expired"}
    idp.hook("fail", path="/api/two-factor/login", times=1, status=203, body=body)
    answer = submit(page, code_of(idp))
    assert (answer.status_int, answer.location) == (302, "/password/reset?due")
    assert COOKIE not in store.cookies


@pytest.mark.parametrize(
    ("methods", "hint"),
    [
        ([{"id": "K", "method": "webauthn"}], "cannot be used here. Enter one of your recovery codes"),
        ([{"id": "A", "method": "authenticator"}], "your authenticator app shows"),
        ([{"id": f"{n}", "method": "x"} for n in range(8)] + [{"id": "E", "method": "email"}], "sent to you"),
    ],
)
def test_there_is_a_way_on_whatever_the_method(
    store: Browser, idp: Idp, methods: list[dict[str, str]], hint: str
) -> None:
    idp.hook("fail", path="/api/login", times=1, status=242, body={"twoFactorId": "x", "methods": methods})
    page = begin(store)
    assert hint in page.text
    assert page.html.find("a", string="Start again")["href"] == "/login"
    assert ("No code yet?" in page.text) == any(one["method"] == "email" for one in methods)


@pytest.mark.parametrize(
    "body",
    [
        {"twoFactorId": "x", "methods": []},
        {"twoFactorId": "x", "configurableMethods": ["email"]},
        {"configurableMethods": []},
        {},
    ],
)
def test_without_any_method_no_code_is_asked_for(store: Browser, idp: Idp, body: dict[str, Any]) -> None:
    idp.hook("fail", path="/api/login", times=1, status=242, body=body)
    page = store.log_in(LOGIN, status=422)
    assert "none is set up yet" in page.text
    way_on = page.html.find("a", string="Set up your second step")["href"]
    assert way_on.startswith(f"{idp.url}/account/?client_id={APPLICATIONS['store']}")
    assert COOKIE not in store.cookies


@pytest.mark.usefixtures("database_clock")
def test_codes_that_the_provider_cannot_judge_are_counted(store: Browser, idp: Idp) -> None:
    page = begin(store)
    errors = {"generalErrors": [{"code": "[LambdaInvocationException]", "message": "x"}]}
    idp.hook("fail", path="/api/two-factor/login", times=4, status=512, body=errors)
    for _ in range(4):
        assert "could not finish this login" in submit(page, "000000").text
    assert submit(page, code_of(idp)).status_int == 429


def test_the_console_asks_for_it_too(admin: Browser, idp: Idp) -> None:
    login = person("owner")
    idp.hook("user", email=login.email, twoFactor=True)
    page = admin.log_in(login).follow()
    answer = submit(page, code_of(idp))
    assert answer.location == "/sessions"


def test_a_challenge_that_fits_into_no_cookie_forgets_the_target(store: Browser, idp: Idp) -> None:
    methods = [{"id": f"{n}" * 36, "method": "email", "email": f"s@{'x' * 90}.example"} for n in range(8)]
    idp.hook(
        "fail", path="/api/login", times=1, status=242, body={"twoFactorId": "A" * 43, "methods": methods}
    )
    page = begin(store, next=f"/products?q={'x' * 1900}")
    assert page.status_int == 200
    assert len(store.cookies[COOKIE]) < 3800


def test_a_trusted_browser_is_asked_for_no_code(store: Browser, browser: Any, idp: Idp) -> None:
    page = begin(store)
    assert submit(page, code_of(idp)).status_int == 302
    assert "__Host-trust" not in store.cookies
    store.post(
        "/logout",
        {"csrf_token": store.get("/account/sessions").html.find("input", {"name": "csrf_token"})["value"]},
    )
    page = begin(store)
    code_form(page)["trust"].checked = True
    answer = submit(page, code_of(idp))
    [cookie] = [one for one in answer.headers.getall("Set-Cookie") if one.startswith("__Host-trust=")]
    assert cookie.endswith("; Path=/; Max-Age=2592000; Secure; HttpOnly; SameSite=Lax")
    [trust] = [one for one in store.cookiejar if one.name == "__Host-trust"]
    store.reset()
    store.cookiejar.set_cookie(trust)
    assert store.log_in(LOGIN).location == "/shopping-cart"
    # It is no password, and none for another user, another site, or after FusionAuth has forgotten it.
    stranger = browser("store", "192.0.2.9")
    stranger.cookiejar.set_cookie(trust)
    form = next(form for form in stranger.get("/login").forms.values() if "password" in form.fields)
    form["email"], form["password"] = LOGIN.email, "wrong"
    assert form.submit(status=422)
    idp.hook("user", email=person("member").email, twoFactor=True)
    assert stranger.log_in("member").location.startswith("/login/two-factor")
    idp.hook("advance", seconds=31 * 86400)
    assert stranger.log_in(LOGIN).location.startswith("/login/two-factor")


def test_a_trust_ends_with_the_sessions_that_were_not_the_owner_s_alone(
    store: Browser, browser: Any, apps: Any, idp: Idp, sql: Sql
) -> None:
    sessions, user = apps["store"].services.sessions, UUID(LOGIN.id)

    def trust() -> None:
        store.reset()
        page = begin(store)
        code_form(page)["trust"].checked = True
        assert submit(page, code_of(idp)).location == "/shopping-cart"

    def again() -> str:
        """Log in from elsewhere with a copy of the trust alone; return where that leads."""
        [kept] = [one for one in store.cookiejar if one.name == "__Host-trust"]
        thief = browser("store", "192.0.2.66")
        thief.cookiejar.set_cookie(kept)
        return urlsplit(thief.log_in(LOGIN).location).path

    def newest() -> UUID:
        return UUID(sql("SELECT id::text FROM sessions ORDER BY created_at DESC LIMIT 1")[0]["id"])

    trust()
    [kept] = [one for one in store.cookiejar if one.name == "__Host-trust"]
    # FusionAuth's id of the trust cannot be read from a jar, so nobody brings it to FusionAuth past this site.
    assert len(kept.value) > 150
    assert again() == "/shopping-cart"
    reported = Reason("user", LOGIN.email, "reported")
    quarantined = newest()
    sessions.quarantine([quarantined], Reason("admin", "ops", "incident"), Client())
    assert again() == "/login/two-factor"
    sessions.release([quarantined], Reason("admin", "ops", "harmless"), Client())
    assert again() == "/shopping-cart"
    sessions.revoke(Scope(sessions=(newest(),)), reported, Client())
    assert again() == "/login/two-factor"
    trust()
    assert again() == "/shopping-cart"
    sessions.revoke(Scope(user_id=user), Reason("user", LOGIN.email, "password_changed"), Client())
    assert again() == "/login/two-factor"
    # One that was edited, or is of another site, is none.
    trust()
    [kept] = [one for one in store.cookiejar if one.name == "__Host-trust"]
    kept.value = f"{kept.value[:-6]}AAAAA="
    assert again() == "/login/two-factor"


def test_the_console_trusts_no_browser(admin: Browser, idp: Idp) -> None:
    owner = person("owner")
    idp.hook("user", email=owner.email, twoFactor=True)
    page = admin.log_in(owner).follow()
    token, code = code_form(page)["csrf_token"].value, code_of(idp)
    assert "trust" not in code_form(page).fields
    answer = admin.post("/login/two-factor", {"csrf_token": token, "code": code, "trust": "y"}, status=302)
    assert "__Host-trust" not in str(answer.headers)


def test_each_device_has_a_session_of_its_own(browser: Any, idp: Idp, sql: Sql) -> None:
    for number in range(2):
        page = begin(browser("store", f"192.0.2.{number}"))
        assert submit(page, code_of(idp)).status_int == 302
    assert [row["end_reason"] for row in sql("SELECT end_reason FROM sessions")] == [None, None]
