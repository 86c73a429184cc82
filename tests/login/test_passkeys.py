"""Passkeys: made on the account's page, good for one login each time they sign, and no tell-tale of accounts."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import requests
from soft_passkey import SoftPasskey
from support import APPLICATIONS, TENANT, Browser, Idp, person, url_of
from webtest import TestResponse

from shopforum.login.settings import LoginSettings
from shopforum.mail.outgoing import MailSettings

LOGIN = person("shopper")
PAGE, START = "/account/passkeys", "/login/passkey/start"


def token(page: TestResponse) -> str:
    return page.html.select_one("input[name=csrf_token]")["value"]


def add(client: Browser, key: SoftPasskey, name: str = "My phone") -> TestResponse:
    """Add a passkey, as the page's script does."""
    csrf = token(client.get(PAGE))
    options = client.post(f"{PAGE}/start", {"csrf_token": csrf, "name": name}).json["options"]
    made = json.dumps(key.make(options["challenge"]))
    return client.post(PAGE, {"csrf_token": csrf, "credential": made}, status=303)


@pytest.fixture
def key(store: Browser, idp: Idp) -> SoftPasskey:
    """The shopper's passkey for the store, made in a browser that is logged out again."""
    made = SoftPasskey(url_of("store"))
    store.log_in(LOGIN)
    added = add(store, made)
    assert added.location.endswith("passkey-added"), added.location
    store.reset()
    return made


def begin(client: Browser, email: str = LOGIN.email) -> tuple[dict[str, Any], dict[str, str]]:
    """Ask for a challenge: the options for the browser, and the fields of the form that answers it."""
    csrf = token(client.get("/login?why=fresh"))
    answer = client.post(START, {"csrf_token": csrf, "email": email}).json
    return answer["options"], {"csrf_token": csrf, "challenge": answer["challenge"], "next": "/orders"}


def submit(client: Browser, fields: dict[str, str], credential: str) -> TestResponse:
    return client.post("/login/passkey", fields | {"credential": credential}, expect_errors=True)


def test_a_passkey_is_made_logs_in_and_is_removed(
    store: Browser, key: SoftPasskey, idp: Idp, audit: Any, sql: Any, logged: Callable[[], str]
) -> None:
    options, fields = begin(store, f" {LOGIN.email.upper()} ")
    assert options | {"challenge": ""} == {
        "challenge": "",
        "rpId": "store.test",
        "timeout": 180_000,
        "userVerification": "required",
    }
    signed = key.answer(options)
    done = submit(store, fields, signed)
    assert (done.status_int, done.location) == (302, "/orders")
    assert [row["detail"].get("proof") for row in audit("authn_login_success")] == [None, "passkey"]
    # The session is as any other: with both cookies, found, and fresh.
    assert {"__Host-session", "__Host-refresh"} <= set(store.cookies)
    page = store.get(PAGE)
    assert [found.text for found in page.html.select("main h2")] == ["My phone", "Add a passkey"]
    # Without a script the page says why nothing can be added.
    assert "It needs JavaScript" in page.text
    assert "hidden" in page.html.find("form", action=PAGE).attrs
    assert "Your passkeys" in store.get("/account/sessions").text
    # A signature opens nothing twice, here or with a challenge of another form.
    thief = store.__class__(store.app, url_of("store"))
    other, fields = begin(thief)
    assert submit(thief, fields, signed).status_int == 422
    assert other["challenge"] != options["challenge"]
    # In this browser the address need not be typed again.
    fresh, fields = begin(store, "")
    removal = page.html.find("form", action=re.compile("/remove$"))["action"]
    assert store.post(removal, {"csrf_token": token(page)}, status=303).location.endswith("passkey-removed")
    assert "You have no passkey yet" in store.get(PAGE).text
    assert submit(store, fields, key.answer(fresh)).status_int == 422
    # Sent twice: it is removed already.
    store.post(removal, {"csrf_token": token(store.get(PAGE))}, status=303)
    assert [len(audit(name)) for name in ("passkey_added", "passkey_removed")] == [1, 1]
    assert signed[-40:] not in str(sql("SELECT * FROM audit_log")) + logged()


def test_nothing_tells_whether_an_address_has_an_account_or_a_passkey(
    browser: Callable[..., Browser], key: SoftPasskey
) -> None:
    addresses = (LOGIN.email, person("member").email, "nobody@new.example", "é" * 320)
    found = [begin(browser("store"), address) for address in addresses]
    assert len({tuple(sorted(options)) for options, _ in found}) == 1
    assert len({len(options["challenge"]) for options, _ in found}) == 1
    assert len({len(fields["challenge"]) for _, fields in found}) == 1
    pages = [submit(browser("store"), fields, key.answer(options)) for options, fields in found[1:]]
    assert [page.status_int for page in pages] == [403] * 3
    answers = []
    for address in addresses[1:]:
        client = browser("store")
        options, fields = begin(client, address)
        answers.append(submit(client, fields, key.answer(options)))
    assert [answer.status_int for answer in answers] == [422] * 3
    assert all("This passkey does not open the account" in answer.text for answer in answers)


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, None), (400, "[NoPasskey]"), (200, None)],
)
def test_each_answer_about_a_user_without_passkeys_looks_the_same(
    store: Browser, idp: Idp, status: int, code: str | None
) -> None:
    body: Any = {"generalErrors": [{"code": code, "message": ""}]} if code else None
    if status == 200:
        body = {"options": {"challenge": "c" * 43, "allowCredentials": []}}
    idp.hook("fail", path="/api/webauthn/start", times=1, status=status, body=body)
    options, _ = begin(store)
    assert options["challenge"] not in ("c" * 43, "")


def test_only_the_owner_unlocked_here_and_now_logs_in(
    browser: Callable[..., Browser], key: SoftPasskey, idp: Idp, limits: Callable[..., None]
) -> None:
    limits(account_failures=100)
    client = browser("store")
    before = len(idp.calls("/api/webauthn/login"))
    other, elsewhere = SoftPasskey(url_of("store")), SoftPasskey(url_of("forums"))
    wrong: list[Callable[[str], Any]] = [
        lambda challenge: key.sign(challenge, verified=False),
        other.sign,
        elsewhere.sign,
        lambda _: key.sign("c" * 43),
        lambda challenge: key.sign(challenge) | {"response": {"clientDataJSON": "AAAA"}},
        lambda challenge: key.sign(challenge) | {"id": "a b"},
        lambda _: None,
        lambda _: [],
    ]
    for credential in wrong:
        options, fields = begin(client)
        answer = submit(client, fields, json.dumps(credential(options["challenge"])))
        assert (answer.status_int, "__Host-session" in client.cookies) == (422, False)
    options, fields = begin(client)
    assert submit(client, fields, "{").status_int == 422
    # Neither junk nor an answer to another challenge was sent on.
    assert len(idp.calls("/api/webauthn/login")) == before + 3
    for challenge in ("", "junk", fields["challenge"][:-4] + "AAAA"):
        late = submit(client, fields | {"challenge": challenge}, key.answer(options))
        assert (late.status_int, "That took too long" in late.text) == (422, True)
    # The form of another browser, or none.
    assert submit(browser("store"), fields, key.answer(options)).status_int == 403
    assert browser("store").post(START, {"email": LOGIN.email}, status=403)
    cloned = SoftPasskey(url_of("store"))
    cloned.__dict__ |= key.__dict__ | {"count": 0}
    options, fields = begin(client)
    assert submit(client, fields, key.answer(options)).status_int == 302
    client.reset()
    options, fields = begin(client)
    assert submit(client, fields, cloned.answer(options)).status_int == 422


def test_a_passkey_of_another_account_than_the_typed_one_opens_neither(
    browser: Callable[..., Browser], key: SoftPasskey, idp: Idp, audit: Any
) -> None:
    client = browser("store")
    options, fields = begin(client, person("member").email)
    # As if FusionAuth logged in the passkey's owner, whichever account was named.
    answer = requests.post(
        f"{idp.url}/api/login",
        json={
            "loginId": LOGIN.email,
            "password": LOGIN.password,
            "applicationId": APPLICATIONS["store"],
        },
        headers={"Authorization": idp.api_key},
        timeout=60,
    ).json()
    idp.hook("fail", path="/api/webauthn/login", times=1, status=200, body=answer)
    idp.forget_calls()
    assert submit(client, fields, key.answer(options)).status_int == 422
    assert "__Host-session" not in client.cookies
    assert audit("authn_login_fail")[-1]["detail"]["kind"] == "passkey"
    assert [call["method"] for call in idp.calls(f"/api/jwt/refresh/{answer['refreshTokenId']}")] == [
        "DELETE"
    ]


@pytest.mark.usefixtures("database_clock")
def test_challenges_and_tries_are_counted(
    store: Browser, key: SoftPasskey, limits: Callable[..., None]
) -> None:
    limits(account_failures=2)
    options, fields = begin(store)
    begin(store)
    csrf = fields["csrf_token"]
    waiting = store.post(START, {"csrf_token": csrf, "email": LOGIN.email}, status=429)
    assert "Too many tries" in waiting.json["error"]
    assert int(waiting.headers["Retry-After"]) > 0
    # Challenges make nobody wait for the password, wrong passkeys do, and wait as well.
    assert store.log_in(LOGIN, status=302)
    # Nor does whoever asks for challenges lock out a browser that has logged in: its login page asks for one each time.
    confirming = {"csrf_token": token(store.get("/login?why=fresh")), "email": LOGIN.email}
    for _ in range(4):
        store.post(START, confirming, status=200)
    store.reset()
    page = store.get("/login")
    fields["csrf_token"] = token(page)
    other = SoftPasskey(url_of("store"))
    assert [submit(store, fields, other.answer(options)).status_int for _ in range(3)] == [422, 422, 429]
    assert store.log_in(LOGIN, status=429)


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (
            {"status": 202, "body": {"user": {}}},
            422,
            "Your passkey is right, but this account is not registered",
        ),
        ({"status": 423}, 422, "cannot log in here at the moment. Your passkey is not the reason"),
        ({"status": 512, "body": {"generalErrors": []}}, 503, "could not finish this login"),
        ({"status": 503}, 503, "Your passkey is not the reason"),
    ],
)
def test_the_texts_of_a_refusal_are_about_the_passkey(
    store: Browser, key: SoftPasskey, idp: Idp, answer: dict[str, Any], status: int, words: str
) -> None:
    options, fields = begin(store)
    idp.hook("fail", path="/api/webauthn/login", times=1, **answer)
    refused = submit(store, fields, key.answer(options))
    assert (refused.status_int, words in refused.text) == (status, True), refused.text
    assert refused.html.select_one("#email")["value"] == LOGIN.email
    assert ("Retry-After" in refused.headers) == (status == 503)


def test_a_second_factor_is_asked_for_after_the_passkey(store: Browser, key: SoftPasskey, idp: Idp) -> None:
    idp.hook("user", email=LOGIN.email, twoFactorRequired=True)
    options, fields = begin(store)
    assert submit(store, fields, key.answer(options)).location == "/login/two-factor/set-up"


def test_fusionauth_away_is_said_and_nothing_is_lost(store: Browser, idp: Idp, key: SoftPasskey) -> None:
    csrf = token(store.get("/login"))
    idp.hook("fail", path="/api/webauthn", times=1, status=503)
    away = store.post(START, {"csrf_token": csrf, "email": LOGIN.email}, status=503)
    assert (away.headers["Retry-After"], "Try again in a moment" in away.json["error"]) != ("", False)
    store.log_in(LOGIN)
    csrf = token(store.get(PAGE))
    idp.hook("fail", path="/api/webauthn", times=3, status=503)
    assert "Try again" in store.post(f"{PAGE}/start", {"csrf_token": csrf}, status=503).json["error"]
    assert "Retry-After" in store.get(PAGE, status=503).headers
    made = json.dumps(key.make("c" * 43))
    assert "Retry-After" in store.post(PAGE, {"csrf_token": csrf, "credential": made}, status=503).headers
    # Not the user's challenge; not a credential. The form is there again, with its reason and the typed name.
    for credential in (made, "{}", ""):
        typed = {"csrf_token": csrf, "credential": credential, "name": "My <phone>"}
        page = store.post(PAGE, typed, status=422)
        assert page.html.title.text.startswith("Error: "), credential
        assert "could not be added" in page.html.select_one("[role=alert]").text
        assert page.html.select_one("#name")["value"] == "My <phone>"
    assert store.get(PAGE).status_int == 200


def test_the_owner_is_told_of_each_change(
    store: Browser, key: SoftPasskey, idp: Idp, apps: dict[str, Any], sql: Any, monkeypatch: Any
) -> None:
    """No mail was sent when the fixture made its passkey."""
    services = apps["store"].services
    monkeypatch.setitem(services.objects, MailSettings, replace(services.get(MailSettings), host="mail.test"))
    store.log_in(LOGIN)
    removal = store.get(PAGE).html.find("form", action=re.compile("/remove$"))["action"]
    csrf = token(store.get(PAGE))
    store.post(removal, {"csrf_token": csrf}, status=303)
    # Nothing is left to remove, and nothing to tell.
    store.post(removal, {"csrf_token": csrf}, status=303)
    store.post(PAGE, {"csrf_token": csrf, "credential": "{}"}, status=422)
    assert add(store, SoftPasskey(url_of("store"))).location.endswith("passkey-added")
    letters = sql("SELECT * FROM outgoing_mail WHERE starts_with(subject, 'Passkey') ORDER BY id")
    assert [letter["recipient"] for letter in letters] == [LOGIN.email] * 2
    assert [letter["subject"].partition(" at ")[0] for letter in letters] == [
        "Passkey removed",
        "Passkey added",
    ]
    for letter in letters:
        assert str(letter["user_id"]) == LOGIN.id
        for part in (letter["plain"], letter["html"]):
            assert f"{url_of('store')}/account/passkeys" in part
            assert "127.0.0.1" in part
            assert "login" not in part


def test_an_old_login_adds_and_removes_none(store: Browser, key: SoftPasskey, sql: Any, idp: Idp) -> None:
    store.log_in(LOGIN)
    page = store.get(PAGE)
    removal = page.html.find("form", action=re.compile("/remove$"))["action"]
    sql("UPDATE sessions SET authenticated_at = authenticated_at - interval '16 minutes'")
    idp.forget_calls()
    for path in (PAGE, f"{PAGE}/start", removal):
        answer = store.post(path, {"csrf_token": token(page)}, expect_errors=True)
        assert answer.status_int in (302, 303), path
        assert "why=fresh" in answer.location
    assert idp.calls("/api/webauthn") == []


def test_they_are_only_where_they_are_on(admin: Browser, store: Browser, idp: Idp) -> None:
    assert "passkey" not in admin.get("/login").text
    admin.get("/login/passkey", status=404)
    assert LoginSettings().passkeys is False
    off = {"tenant": {"webAuthnConfiguration": {"enabled": False}}}
    url, headers = f"{idp.url}/api/tenant/{TENANT}", {"Authorization": idp.api_key}
    requests.patch(url, json=off, headers=headers, timeout=60).raise_for_status()
    start = {"applicationId": APPLICATIONS["store"], "loginId": LOGIN.email, "workflow": "bootstrap"}
    assert (
        requests.post(f"{idp.url}/api/webauthn/start", json=start, headers=headers, timeout=60).status_code
        == 400
    )
    requests.patch(
        url, json={"tenant": {"webAuthnConfiguration": {"enabled": True}}}, headers=headers, timeout=60
    )
