"""While FusionAuth is away a code of an authenticator stands in for a fresh password: only then, once, and seen by all."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyotp
import pytest
from page_forms import form_of
from sqlalchemy import text
from support import Browser, Idp, person, url_of

import shopforum
from shopforum.mail import outgoing
from shopforum.operations import break_glass
from shopforum.sessions import Client, Session
from shopforum.sessions.keyring import Keyring

Console = Callable[[str], Browser]


def set_up(client: Browser) -> pyotp.TOTP:
    """Set up an authenticator as a person does, and return the app."""
    made = form_of(client.get("/authenticator"), "/authenticator").submit(status=200)
    app = pyotp.TOTP(made.html.find(id="secret").text.replace(" ", ""))
    assert made.html.find("a", href=lambda href: href and href.startswith("otpauth://totp/"))["href"].count(
        app.secret
    )
    form = form_of(made, "/authenticator/confirm")
    form["code"] = app.now()
    assert "is set up" in form.submit(status=303).follow()
    return app


@pytest.fixture
def away(idp: Idp) -> Callable[[], None]:
    """`away()`: from now on FusionAuth answers nothing."""
    return lambda: idp.hook("fail", path="/", times=1000, drop=True)


@pytest.fixture
def stale(sql: Any, later: Callable[[float], None]) -> Callable[[], None]:
    """`stale()`: ten minutes go by, and every spent code is of an earlier step."""

    def make() -> None:
        later(600)
        sql("UPDATE console_authenticators SET last_step = last_step - 10 RETURNING 1")

    return make


@pytest.fixture
def owner(console: Console, away: Any, stale: Any) -> tuple[Browser, pyotp.TOTP]:
    """An owner with an authenticator, whose password is no longer fresh, while FusionAuth is away."""
    client = console("owner")
    app = set_up(client)
    stale()
    away()
    return client, app


def session_of(sql: Any) -> Session:
    """The one session that there is."""
    [row] = sql("SELECT * FROM sessions")
    return Session(row["id"], "admin", row["user_id"], "O", row["user_email"], frozenset({"owner"}), 0, 0, 9)


def give(client: Browser, code: str, status: int = 303, target: str = "/revoke-everyone") -> Any:
    form = form_of(client.get("/break-glass", {"next": target}, status=200), "/break-glass")
    form["code"] = code
    return form.submit(status=status)


def events(sql: Any, name: str) -> list[Any]:
    return sql("SELECT actor, detail, session_id FROM audit_log WHERE event = :name ORDER BY id", name=name)


def test_a_code_stands_in_for_the_password(owner: Any, sql: Any, apps: Any):
    client, app = owner
    asked = client.get("/revoke-everyone", status=302).follow()
    form = form_of(asked, "/login")
    form["password"] = person("owner").password
    refused = form.submit(status=503)
    offered = refused.html.find("a", string="Use a code of your authenticator")["href"]
    before = client.cookies["__Host-session"]
    form = form_of(client.get(offered), "/break-glass")
    form["code"] = f"{app.now()[:3]} {app.now()[3:]}"
    done = form.submit(status=303)
    assert done.location == "/revoke-everyone?notice=break_glass"
    assert "stood in for the password" in done.follow(status=200)
    client.get("/tokens", status=200)
    assert client.cookies["__Host-session"] != before
    # Seen by all: the audit log, the dashboard.
    [used] = events(sql, "break_glass_used")
    assert used["actor"] == person("owner").email
    assert used["detail"] == {"path": "/revoke-everyone"}
    assert "1 code of an authenticator stood in for a password" in client.get("/")
    # A day later, and the session is still signed in: nobody can log in while FusionAuth is away.
    with apps["admin"].services.db.transaction() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE audit_log SET at = at - interval '25 hours'"))
    assert "stood in" not in client.get("/")


def test_it_lasts_as_long_as_a_password_and_no_gate_moves(owner: Any, sql: Any, later: Any):
    client, app = owner
    [before] = sql("SELECT authenticated_at, absolute_end, idle_end FROM sessions")
    give(client, app.now())
    [after] = sql("SELECT authenticated_at, absolute_end, idle_end FROM sessions")
    assert (before["authenticated_at"], before["absolute_end"]) == (
        after["authenticated_at"],
        after["absolute_end"],
    )
    client.get("/revoke-everyone", status=200)
    later(301)
    client.get("/revoke-everyone", status=302)


def test_never_while_fusionauth_answers(console: Console, stale: Any, idp: Idp, sql: Any):
    client = console("owner")
    app = set_up(client)
    stale()
    assert "does not count" in give(client, app.now(), 409)
    # An open breaker says nothing of FusionAuth, and an error about an account or the API key is an answer.
    breaker = client.app.services.idp.breaker
    for one in (breaker.login, breaker.refresh):
        for _ in range(9):
            one._note_failure()
    give(client, app.now(), 409)
    for status, body in ((401, None), (429, {}), (500, {"generalErrors": []}), (404, None)):
        idp.hook("fail", path="/api/user", times=1, status=status, body=body)
        give(client, app.now(), 409)
    client.get("/revoke-everyone", status=302)
    assert sql("SELECT 1 FROM console_authenticators WHERE tries > 0") == []
    assert events(sql, "break_glass_used") == events(sql, "break_glass_refused") == []


def test_away_is_no_answer_or_a_gateway_s(apps: Any, idp: Idp):
    client = apps["admin"].services.idp
    # An open breaker does not answer for FusionAuth.
    for _ in range(9):
        client.breaker.refresh._note_failure()
    gateways = [{"status": status, "body": {"gateway": 1}} for status in (502, 503, 504)]
    for fault in ({"drop": True}, {"status": 503}, *gateways):
        idp.hook("fail", path="/api/user", times=1, **fault)
        assert client.is_away(person("owner").id), fault
        assert not client.is_away(person("owner").id)


def test_a_code_is_good_once(owner: Any, sql: Any):
    client, app = owner
    code = app.now()
    give(client, code)
    sql("UPDATE sessions SET code_given_at = NULL RETURNING 1")
    assert "used before" in give(client, code, 422)
    client.get("/revoke-everyone", status=302)
    [refused] = events(sql, "break_glass_refused")
    assert refused["detail"]["why"] == "used_before"


def test_of_two_at_once_with_one_code_one_is_accepted(owner: Any, apps: Any, sql: Any):
    _, app = owner
    services = apps["admin"].services
    keys = services.sessions.config.secrets
    me = session_of(sql)
    barrier, code = threading.Barrier(4), app.now()

    def use(_: int) -> str:
        barrier.wait()
        try:
            break_glass.use(services.db, keys, me, code, Client(), None, {})
        except break_glass.CodeRefused as refusal:
            return refusal.why
        return "used"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(use, range(4))) == ["used", *["used_before"] * 3]
    assert len(events(sql, "break_glass_used")) == 1


def test_five_tries_then_a_wait(owner: Any, sql: Any):
    client, app = owner
    wrong = "000000" if app.now() != "000000" else "111111"
    for _ in range(break_glass.FREE_TRIES):
        assert "is wrong" in give(client, wrong, 422)
    refused = give(client, app.now(), 429)
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    client.get("/revoke-everyone", status=302)
    # A refused try that only had to wait leaves no row: it could be sent without end.
    assert len(events(sql, "break_glass_refused")) == 5
    sql("UPDATE console_authenticators SET blocked_until = now() RETURNING 1")
    give(client, wrong, 422)
    assert int(give(client, app.now(), 429).headers["Retry-After"]) > 900
    sql("UPDATE console_authenticators SET blocked_until = now() RETURNING 1")
    give(client, app.now())
    assert sql("SELECT tries FROM console_authenticators") == [{"tries": 0}]


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "\u0000"])
def test_a_text_that_is_no_code_does_not_count_as_a_try(owner: Any, sql: Any, code: str):
    client, _ = owner
    form = form_of(client.get("/break-glass"), "/break-glass")
    form["code"] = code
    assert form.submit(expect_errors=True).status_int in (400, 422)
    assert sql("SELECT tries FROM console_authenticators") == [{"tries": 0}]


def test_it_signs_nobody_in(owner: Any, browser: Any, sql: Any):
    _, app = owner
    visitor = browser("admin")
    assert visitor.get("/break-glass", status=302).location.endswith("/login?next=%2Fbreak-glass")
    form = form_of(visitor.get("/login"), "/login")
    form["email"], form["password"] = person("owner").email, person("owner").password
    page = form.submit(status=503)
    assert "Use a code" not in page
    token = form["csrf_token"].value
    visitor.post("/break-glass", {"csrf_token": token, "code": app.now(), "next": "/"}, status=302)
    assert "__Host-session" not in visitor.cookies
    # Nor does it wake a session that has ended.
    client, _ = owner
    form = form_of(client.get("/break-glass"), "/break-glass")
    sql("UPDATE sessions SET ended_at = now(), end_reason = 'logout' RETURNING 1")
    form["code"] = app.now()
    assert form.submit(expect_errors=True).status_int in (302, 303)
    assert events(sql, "break_glass_used") == []


def test_a_session_that_ends_meanwhile_is_not_freshened_and_the_code_not_spent(
    owner: Any, apps: Any, sql: Any
):
    _, app = owner
    services = apps["admin"].services
    me = session_of(sql)
    [before] = sql("SELECT last_step FROM console_authenticators")
    sql("UPDATE sessions SET ended_at = now(), end_reason = 'logout' RETURNING 1")
    with pytest.raises(break_glass.CodeRefused):
        break_glass.use(services.db, services.sessions.config.secrets, me, app.now(), Client(), None, {})
    assert sql("SELECT last_step FROM console_authenticators") == [before]
    assert sql("SELECT 1 FROM sessions WHERE code_given_at IS NOT NULL") == []


def test_another_admin_s_code_is_worth_nothing(owner: Any, console: Console, idp: Idp, stale: Any, away: Any):
    _, app = owner
    idp.hook("fail", path="/", times=0)
    other = console("responder")
    theirs = set_up(other)
    stale()
    away()
    assert app.now() == theirs.now() or "is wrong" in give(other, app.now(), 422, "/")


def test_an_admin_without_one_is_told_the_command(console: Console, stale: Any, away: Any):
    client = console("owner")
    stale()
    away()
    form = form_of(client.get("/login?why=fresh&next=/revoke-everyone"), "/login")
    form["password"] = person("owner").password
    page = form.submit(status=503)
    assert "Use a code" not in page
    assert "production.ini" in page
    assert "command line" in client.get("/break-glass")


def test_setting_up_and_removing_take_the_password_itself(owner: Any, idp: Idp, sql: Any):
    client, app = owner
    page = "/authenticator"
    give(client, app.now(), target="/")
    client.get("/tokens", status=200)
    assert client.get(page, status=302).location.startswith("/login?")
    token = form_of(client.get("/"), "/logout")["csrf_token"].value
    for path in (page, f"{page}/confirm", f"{page}/remove"):
        client.post(path, {"csrf_token": token, "code": "123456"}, status=302)
    assert len(sql("SELECT 1 FROM console_authenticators WHERE confirmed_at IS NOT NULL")) == 1
    # The login's page offers no code on the way there.
    form = form_of(client.get(page).follow(), "/login")
    form["password"] = person("owner").password
    assert "Use a code" not in form.submit(status=503)


def test_a_confirmed_one_has_to_be_removed_first(console: Console, sql: Any):
    client = console("owner")
    page = client.get("/authenticator")
    form_of(page, "/authenticator").submit(status=200)
    wrong = form_of(client.get("/authenticator"), "/authenticator/confirm")
    wrong["code"] = "000000"
    shown = wrong.submit(status=422)
    # The secret is shown once.
    assert shown.html.find(id="secret") is None
    assert sql("SELECT 1 FROM console_authenticators WHERE confirmed_at IS NOT NULL") == []
    set_up(client)
    before = sql("SELECT secret FROM console_authenticators")
    again = client.post(
        "/authenticator", {"csrf_token": form_of(page, "/logout")["csrf_token"].value}, status=409
    )
    assert again.html.find(id="secret") is None
    assert sql("SELECT secret FROM console_authenticators") == before
    removed = form_of(client.get("/authenticator"), "/authenticator/remove").submit(status=303).follow()
    assert "is removed" in removed
    assert sql("SELECT 1 FROM console_authenticators") == []
    assert [events(sql, f"authenticator_{act}") != [] for act in ("set_up", "removed")] == [True, True]


def test_the_secret_is_encrypted_for_its_owner_and_names_its_key(console: Console, sql: Any, apps: Any):
    app = set_up(console("owner"))
    keys = apps["admin"].services.sessions.config.secrets
    [row] = sql("SELECT * FROM console_authenticators")
    assert app.secret.encode() not in bytes(row["secret"])
    assert row["key_id"] == keys.id
    sealed, user = bytes(row["secret"]), str(row["user_id"])
    assert keys.decrypt("authenticator", user, keys.id, sealed) == app.secret.encode()
    # Moved to another user's row, used for another purpose, changed, or under another key, it opens nothing.
    assert keys.decrypt("authenticator", str(person("responder").id), keys.id, sealed) is None
    assert keys.decrypt("other", user, keys.id, sealed) is None
    assert keys.decrypt("authenticator", user, keys.id, sealed[:-1] + bytes([sealed[-1] ^ 1])) is None
    assert keys.decrypt("authenticator", user, keys.id, b"") is None
    assert (
        Keyring(["another-key-0123456789-0123456789-01"]).decrypt("authenticator", user, keys.id, sealed)
        is None
    )
    assert app.secret not in str(sql("SELECT * FROM audit_log"))


def test_a_login_moves_the_secret_to_the_newest_key(console: Console, settings: Any, sql: Any):
    app = set_up(console("owner"))
    old = settings("admin")["shopforum.secret"]
    newer = shopforum.main(
        {}, **settings("admin") | {"shopforum.secret": f"newer-key-0123456789-0123456789-01 {old}"}
    )
    try:
        client = Browser(newer, url_of("admin"))
        client.log_in("owner")
        keys = newer.services.sessions.config.secrets
        [row] = sql("SELECT * FROM console_authenticators")
        assert row["key_id"] == keys.id != keys.ids[1]
        plain = keys.decrypt("authenticator", str(row["user_id"]), keys.id, bytes(row["secret"]))
        assert plain == app.secret.encode()
    finally:
        newer.services.db.engine.dispose()


def test_the_other_enrolled_owners_are_mailed(
    console: Console, apps: Any, sql: Any, stale: Any, away: Any, tmp_path: Path, monkeypatch: Any
):
    on = outgoing.parse({"mail.folder": str(tmp_path / "mail")})
    monkeypatch.setitem(apps["admin"].services.objects, outgoing.MailSettings, on)
    responder, client = console("responder"), console("owner")
    set_up(responder)
    app = set_up(client)
    stale()
    away()
    give(client, app.now(), target="/")
    # A responder is no owner.
    assert sql("SELECT 1 FROM outgoing_mail") == []
    sql("UPDATE console_authenticators SET roles = '{owner}' RETURNING 1")
    stale()
    give(client, app.now(), target="/")
    [mail] = sql("SELECT * FROM outgoing_mail")
    assert mail["recipient"] == person("responder").email
    assert person("owner").email in mail["plain"]
    assert f"{url_of('admin')}/users/{person('owner').id}" in mail["html"]
    assert app.secret not in mail["plain"]
