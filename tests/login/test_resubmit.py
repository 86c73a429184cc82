"""A filled-in form survives a session that ended meanwhile, for its author alone."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from http_helpers import REFRESH, SESSION, credentials, give
from pyramid.config import Configurator
from pyramid.request import Request
from support import Browser, person
from webtest import TestResponse

import shopforum
from shopforum.core import purge
from shopforum.login import jobs
from shopforum.sessions import Reason, Scope
from shopforum.sessions.audit import Client
from shopforum.web.services import UnknownAct

Sql = Callable[..., list[dict[str, Any]]]
New = Callable[[], Browser]
TEXT = 'Two lines,\nwith "quotes" & <b>tags</b> and an é.'


def includeme(config: Configurator) -> None:
    """Pages that take a text and answer with what they got."""
    config.add_route("writing", "/writing/{id}")
    config.add_route("guarded", "/guarded")
    config.add_view(_echo, route_name="writing", request_method="POST", renderer="json")
    config.add_view(_echo, route_name="guarded", request_method="POST", renderer="json", fresh_login=300)


def _echo(request: Request) -> dict[str, Any]:
    return {"user": request.identity.user_email, "form": [list(pair) for pair in request.POST.items()]}


@pytest.fixture(scope="session")
def _app(settings: Callable[[str], dict[str, str]]) -> Iterator[Any]:
    app = shopforum.main({}, **settings("forums"), **{"pyramid.includes": __name__})
    app.services.repeatable_fields.add("tag")
    yield app
    app.services.db.engine.dispose()


@pytest.fixture
def new(_app: Any, apps: dict[str, Any]) -> New:
    """A browser of the forums with the two pages above."""
    return lambda: Browser(_app, "https://forums.test")


def log_in(client: Browser, who: str, page: TestResponse | None = None) -> TestResponse:
    page = page or client.get("/login")
    form = next(form for form in page.forms.values() if "password" in form.fields)
    form["email"], form["password"] = person(who).email, person(who).password
    return form.submit(status=302)


def token(client: Browser) -> str:
    return str(client.get("/account/sessions").html.find("input", {"name": "csrf_token"})["value"])


def end_all(sql: Sql) -> None:
    sql("UPDATE sessions SET ended_at = now(), end_reason = 'revoked' WHERE ended_at IS NULL")


def cut_off(client: Browser, sql: Sql, fields: Any = None, path: str = "/writing/7?page=2") -> str:
    """Sign in, take a form, lose the session, send the form; returns `next` of the login page it leads to."""
    log_in(client, "member")
    csrf_token = token(client)
    end_all(sql)
    body = [("csrf_token", csrf_token), *(fields or [("title", "A title"), ("body", TEXT)])]
    answer = client.post(path, body, status=302)
    query = parse_qs(urlsplit(answer.location).query)
    assert query["why"] == ["revoked"]
    return query["next"][0]


def resume_form(page: TestResponse) -> Any:
    return next(form for form in page.forms.values() if form.action.startswith("/resume/"))


def test_comes_back_after_the_login_and_is_sent_with_one_click(new: New, sql: Sql) -> None:
    client = new()
    fields = [("title", "A title"), ("body", TEXT), ("tag", "a"), ("tag", "b"), ("quote", "12")]
    way = cut_off(client, sql, fields)
    assert way.startswith("/resume/")
    page = log_in(client, "member", client.get("/login", {"next": way})).follow()
    assert "Nothing is lost" in page.text
    form = resume_form(page)
    assert form["title"].value == "A title"
    assert form["body"].value.replace("\r\n", "\n") == TEXT
    form["body"] = TEXT + " More."
    answer = form.submit(status=307)
    assert answer.location == "/writing/7?page=2"
    sent = client.post(answer.location, answer.request.body, status=200).json
    assert sent["user"] == person("member").email
    arrived = [tuple(pair) for pair in sent["form"] if pair[0] != "csrf_token"]
    assert sorted(arrived) == sorted(
        [("title", "A title"), ("body", TEXT + " More."), ("tag", "a"), ("tag", "b"), ("quote", "12")]
    )


def test_can_be_looked_at_again_and_sent_once(new: New, sql: Sql) -> None:
    client = new()
    way = cut_off(client, sql)
    log_in(client, "member")
    client.get(way, status=200)
    form = resume_form(client.get(way, status=200))
    form.submit(status=307)
    form.submit(status=404)
    client.get(way, status=404)


def test_nobody_else_gets_it(new: New, sql: Sql, browser: Callable[[str], Browser]) -> None:
    way = cut_off(new(), sql)
    other = new()
    log_in(other, "moderator")
    other.get(way, status=404)
    csrf_token = token(other)
    other.post(way, {"csrf_token": csrf_token}, status=404)
    elsewhere = browser("store")
    elsewhere.log_in("member")
    elsewhere.get(way, status=404)
    new().get(way, status=302)
    assert sql("SELECT count(*) AS n FROM kept_forms") == [{"n": 1}]


@pytest.mark.parametrize("key", ["A" * 43, "x", "A" * 44, "%00"])
def test_a_key_that_was_never_given_leads_nowhere(new: New, key: str) -> None:
    client = new()
    log_in(client, "member")
    assert client.get(f"/resume/{key}", expect_errors=True).status_int in (400, 404)


def test_passwords_codes_and_keys_are_not_kept(new: New, sql: Sql) -> None:
    client = new()
    way = cut_off(client, sql, [("body", "x"), ("password", "hunter2"), ("code", "123456")])
    [row] = sql("SELECT * FROM kept_forms")
    assert row["fields"] == [["body", "x"]]
    assert way.removeprefix("/resume/").encode() not in bytes(row["key"])


@pytest.mark.parametrize("fields", [[("body", "x" * 70_000)], [("password", "hunter2")]])
def test_a_too_large_or_empty_form_is_not_saved(new: New, sql: Sql, fields: Any) -> None:
    assert cut_off(new(), sql, fields) == "/"
    assert sql("SELECT 1 FROM kept_forms") == []


def test_a_visitors_form_is_not_kept(new: New, sql: Sql) -> None:
    client = new()
    csrf_token = client.get("/login").html.find("input", {"name": "csrf_token"})["value"]
    answer = client.post("/writing/7", {"csrf_token": csrf_token, "body": "x"}, status=302)
    assert answer.location == "/login?next=%2F"
    client.post("/writing/7", {"csrf_token": "forged.token", "body": "x"}, status=403)
    assert sql("SELECT 1 FROM kept_forms") == []


def test_only_the_newest_twenty_are_kept(new: New, sql: Sql) -> None:
    client = new()
    log_in(client, "member")
    csrf_token = token(client)
    end_all(sql)
    pair = credentials(client)
    for number in range(23):
        # Many tabs that send at once: the first answer clears the cookies.
        give(client, pair).post("/writing/7", {"csrf_token": csrf_token, "body": str(number)}, status=302)
    rows = sql("SELECT fields FROM kept_forms ORDER BY created_at")
    assert [row["fields"][0][1] for row in rows] == [str(number) for number in range(3, 23)]


def test_is_kept_for_a_day(new: New, sql: Sql, later: Any) -> None:
    client = new()
    way = cut_off(client, sql)
    log_in(client, "member")
    later(25 * 3600)
    client.get(way, status=404)
    assert purge.run(jobs.PURGES, client.app.services.db) == 1


def test_a_form_that_needs_a_recent_password_is_kept_too(new: New, later: Any) -> None:
    client = new()
    log_in(client, "member")
    csrf_token = token(client)
    later(3600)
    answer = client.post("/guarded", {"csrf_token": csrf_token, "reason": "Because."}, status=302)
    assert "why=fresh" in answer.location
    page = log_in(client, "member", answer.follow()).follow()
    form = resume_form(page)
    assert form["reason"].value == "Because."
    answer = form.submit(status=307)
    sent = client.post(answer.location, answer.request.body, status=200).json
    assert ["reason", "Because."] in sent["form"]


def test_losing_the_session_once_more_loses_nothing(new: New, sql: Sql) -> None:
    client = new()
    way = cut_off(client, sql)
    log_in(client, "member")
    form = resume_form(client.get(way))
    end_all(sql)
    answer = form.submit(status=302)
    assert parse_qs(urlsplit(answer.location).query)["next"] == [way]
    assert log_in(client, "member", answer.follow()).follow().forms
    assert sql("SELECT count(*) AS n FROM kept_forms") == [{"n": 1}]


@pytest.mark.parametrize("thrown_out", ["by id", "by user", "no"])
def test_a_form_of_the_console_goes_with_who_is_thrown_out(
    apps: dict[str, Any], sql: Sql, thrown_out: str, idle_out: Any
):
    admin = Browser(apps["admin"], "https://admin.test")
    admin.log_in("responder")
    form = next(form for form in admin.get("/rules").forms.values() if form.action == "/rules")
    form["network"], form["reason"] = "203.0.113.9", "test"
    idle_out()
    resume = parse_qs(urlsplit(form.submit(status=302).location).query)["next"][0]
    assert resume.startswith("/rules?kept=")
    admin.log_in("responder")
    [row] = sql("SELECT id FROM sessions WHERE idle_end > now()")
    user_id = UUID(person("responder").id)
    scopes = {"by id": Scope(sessions=(row["id"],)), "by user": Scope(user_id=user_id)}
    if thrown_out in scopes:
        why = Reason("admin", "owner@harbour.example", "incident")
        apps["admin"].services.sessions.revoke(scopes[thrown_out], why, Client())
        admin.log_in("responder")
    again = next(form for form in admin.get(resume).forms.values() if form.action == "/rules")
    assert again["network"].value == ("203.0.113.9" if thrown_out == "no" else "")


def words(page: TestResponse) -> str:
    return " ".join(page.html.get_text(" ").split())


@pytest.mark.parametrize(
    "cookies", ["none", "after a logout", "session id", "refresh token", "another's", "both of another"]
)
def test_a_token_alone_keeps_nothing_for_anybody(new: New, sql: Sql, cookies: str) -> None:
    """Read off a page once, it would put a form of the reader's making before its owner."""
    owner, other = new(), new()
    log_in(owner, "moderator")
    log_in(other, "member")
    csrf_token, pair, others = token(owner), credentials(owner), credentials(other)
    if cookies == "after a logout":
        next(f for f in owner.get("/posts").forms.values() if f.action == "/logout").submit(status=303)
    end_all(sql)
    sender = new() if cookies != "after a logout" else owner
    presented = {
        "session id": {SESSION: pair[SESSION]},
        "refresh token": {REFRESH: pair[REFRESH]},
        "another's": {SESSION: others[SESSION], REFRESH: pair[REFRESH]},
        "both of another": others,
    }
    give(sender, presented.get(cookies, {}))
    answer = sender.post("/writing/7", {"csrf_token": csrf_token, "body": TEXT}, status=403)
    assert sql("SELECT 1 FROM kept_forms") == []
    # The typed text is shown to its author and to nobody else.
    assert "You are signed out" in words(answer)
    assert answer.html.select_one("textarea").text.strip().replace("\r\n", "\n") == TEXT
    untold = sender.post("/writing/7", {"csrf_token": csrf_token, "quote": "1"}, status=302)
    assert untold.location.startswith("/login?next=%2F")
    assert "resume" not in untold.location


def test_a_pair_that_a_rotation_has_replaced_still_shows_whose_it_was(new: New, sql: Sql) -> None:
    client = new()
    log_in(client, "member")
    csrf_token, pair = token(client), credentials(client)
    sql("UPDATE sessions SET due_at = now()")
    client.get("/posts")
    client.get("/posts")
    end_all(sql)
    answer = give(new(), pair).post("/writing/7", {"csrf_token": csrf_token, "body": "x"}, status=302)
    assert parse_qs(urlsplit(answer.location).query)["next"][0].startswith("/resume/")


def test_shows_what_would_be_done_where_and_every_field(new: New, sql: Sql) -> None:
    client = new()
    fields = [("body", TEXT), ("quote", "12"), ("preview", ""), ("odd_field", "seen")]
    way = cut_off(client, sql, fields, "/topics/7/posts?x=1")
    page = log_in(client, "member", client.get("/login", {"next": way})).follow()
    assert "Post reply" in words(page)
    assert "https://forums.test/topics/7/posts?x=1" in words(page)
    for shown in ("Quote 12", "Preview", "Odd field seen"):
        assert shown in words(page)
    form = resume_form(page)
    assert form["body"].value.replace("\r\n", "\n") == TEXT
    assert form["odd_field"].value == "seen"


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/posts/7/delete", "/posts"),
        ("/account/sessions/revoke-others", "/account/sessions"),
        (f"/account/sessions/{'0' * 8}-0000-4000-8000-{'0' * 12}/revoke", "/account/sessions"),
    ],
)
def test_a_form_that_destroys_is_never_sent_again(new: New, sql: Sql, path: str, page: str) -> None:
    assert cut_off(new(), sql, [("reported", "yes")], path) == page
    assert sql("SELECT 1 FROM kept_forms") == []


@pytest.mark.parametrize("site", ["store", "forums"])
def test_every_form_has_a_name(apps: dict[str, Any], site: str) -> None:
    """Each form has an act with a name: nobody is asked to send a form without one."""
    services = apps[site].services
    views = [item["introspectable"] for item in apps[site].registry.introspector.get_category("views")]
    # A request that needs no token is no form: a browser's renewal of its bound cookie.
    forms = [
        view for view in views if view["request_methods"] == "POST" and view["require_csrf"] is not False
    ]
    routes = {view["route_name"] for view in forms}
    assert routes - services.acts.keys() == set()


def test_the_console_sends_no_form_from_another_page(apps: dict[str, Any]) -> None:
    acts = apps["admin"].services.acts
    again = {name for name, act in acts.items() if act.again}
    assert again == {"logout", "admin_flag", "admin_incident_notes"}
    assert not apps["admin"].services.get(UnknownAct).act.again
