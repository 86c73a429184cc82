"""The promises of docs/addon.md to an application that is not shopforum, one test a promise."""

import time
import uuid

import clocks
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pyramid.config import Configurator
from pyramid.csrf import get_csrf_token
from pyramid.httpexceptions import HTTPFound, HTTPSeeOther
from pyramid.interfaces import ISecurityPolicy
from pyramid.security import NO_PERMISSION_REQUIRED, forget, remember
from session_fixtures import SECRET, Provider, together
from webtest import TestApp

from shopforum.core.engine import create_engine
from shopforum.core.settings import SettingsError
from shopforum.sessions import (
    FORM_SESSION,
    UNTOUCHED,
    AuthorityUnavailable,
    Client,
    FormRefused,
    FreshLoginRequired,
    Limit,
    Login,
    OwnSession,
    Reason,
    Rule,
    Scope,
    ShutOut,
    SignInBlocked,
    TooFar,
    client_of,
    jobs,
    tables,
)

WHY = Reason("admin", "carol", "incident")
CLIENT = Client("192.0.2.1", "Firefox")
HTTPS = {"wsgi.url_scheme": "https", "HTTP_HOST": "blog.test"}
SAME_ORIGIN = {"Origin": "https://blog.test"}


def application(engine, authority, **settings):
    config = Configurator(settings={"sessions.site": "blog", "sessions.secret": SECRET, **settings})
    config.include("shopforum.sessions")
    config.set_session_engine(engine)
    config.set_session_authority(authority)
    config.set_default_permission("signed-in")
    config.add_session_permissions({"posts:delete": {"editor"}})
    for name in ("login", "members", "logout", "delete", "password", "missing"):
        config.add_route(name, f"/{name}")
    config.add_view(
        login, route_name="login", permission=NO_PERMISSION_REQUIRED, require_csrf=False, renderer="json"
    )
    config.add_view(members, route_name="members", renderer="json")
    config.add_view(logout, route_name="logout", request_method="POST", own_form="out")
    config.add_view(members, route_name="delete", permission="posts:delete", renderer="json")
    config.add_view(members, route_name="password", fresh_login=300, renderer="json")
    config.add_view(broken, route_name="missing")
    config.add_exception_view(refused_form, context=FormRefused, renderer="json")
    config.add_exception_view(unavailable, context=AuthorityUnavailable, renderer="json")
    config.add_exception_view(not_fresh, context=FreshLoginRequired, renderer="json")
    config.add_exception_view(signed_out, context="pyramid.httpexceptions.HTTPForbidden", renderer="json")
    config.add_exception_view(error_page, context=ZeroDivisionError, renderer="json")
    return config.make_wsgi_app()


def login(request):
    """Believes the query string; `form` stands for the login form that was sent."""
    authority, name = request.sessions.authority, request.params["name"]
    user_id = authority.users.setdefault(name, uuid.uuid4())
    if request.sessions.refuses(client_of(request)):
        request.response.status_int = 403
        return {"blocked": "before the password"}
    token = authority.issue(user_id)
    given = Login(
        user_id, name, f"{name}@blog.test", (authority.role,), *token, request.sessions.login_start()
    )
    try:
        headers = remember(request, given)
    except SignInBlocked:
        request.response.status_int = 403
        return {"blocked": "by a rule"}
    return HTTPFound("/members", headers=headers)


def members(request):
    me = request.identity
    return {
        "id": str(me.id),
        "user_id": str(me.user_id),
        "hello": me.user_name,
        "roles": sorted(me.roles),
        "since": me.authenticated_ago,
        "token": get_csrf_token(request),
    }


def logout(request):
    return HTTPSeeOther("/", headers=forget(request))


def broken(request):
    return 1 / 0


def refused_form(error, request):
    request.environ.pop(FORM_SESSION, None)
    request.environ[UNTOUCHED] = True
    request.response.status_int = 400
    me = request.identity
    return {
        "why": error.why,
        "expected": error.expected,
        "received": error.received,
        "name": me and me.user_name,
    }


def unavailable(error, request):
    request.response.status_int = 503
    return {"retry_after": error.retry_after}


def not_fresh(error, request):
    request.response.status_int = 401
    return {}


def signed_out(error, request):
    request.response.status_int = 403
    policy = request.registry.getUtility(ISecurityPolicy)
    return {**policy.ended(request), "spent": policy.spent(request)}


def error_page(error, request):
    request.response.status_int = 500
    return {}


class Authority(Provider):
    def __init__(self):
        super().__init__()
        self.users = {}
        self.role = "author"


class Blog:
    """The application, and browsers of it."""

    def __init__(self, app, authority):
        self.app, self.authority, self.sessions = app, authority, app.registry.sessions

    def browser(self, name=None, agent="Firefox", address="192.0.2.1"):
        browser = TestApp(self.app, extra_environ={**HTTPS, "HTTP_USER_AGENT": agent, "REMOTE_ADDR": address})
        if name:
            browser.get(f"/login?name={name}", status=302)
        return browser

    def sql(self, statement, **values):
        from sqlalchemy import text

        return self.sessions.db.all(text(statement), **values)

    def of(self, name):
        return self.sessions.of_user(self.authority.users[name])


@pytest.fixture
def blog_of(clean, database_url):
    engine = create_engine(database_url, 5)
    yield lambda **settings: Blog(application(engine, authority := Authority(), **settings), authority)
    engine.dispose()


@pytest.fixture
def blog(blog_of):
    return blog_of()


def test_a_view_knows_its_session(blog):
    told = blog.browser("dora").get("/members").json
    assert (told["hello"], told["roles"]) == ("dora", ["author"])
    assert told["user_id"] == str(blog.authority.users["dora"])
    assert 0 <= told["since"] < 60


def test_forget_ends_the_session_here_and_at_the_authority(blog):
    browser = blog.browser("dora")
    browser.post("/logout", {"csrf_token": browser.get("/members").json["token"]}, status=303)
    assert [one["user"] for one in blog.authority.revoked] == [blog.authority.users["dora"]]
    assert blog.of("dora") == []
    assert not [cookie for cookie in browser.cookiejar if cookie.name in ("__Host-session", "__Host-refresh")]


def test_a_forged_form_extends_nothing(blog):
    browser = blog.browser("dora")
    clocks.pass_time(blog.sessions.db, 300)
    [before] = blog.sql("SELECT last_seen_at FROM sessions")
    browser.post("/members", {"csrf_token": "made up"}, status=400)
    assert blog.sql("SELECT last_seen_at FROM sessions") == [before]


def test_a_refused_form_says_why_and_its_page_extends_nothing(blog):
    browser = blog.browser("dora")
    clocks.pass_time(blog.sessions.db, 300)
    [before] = blog.sql("SELECT last_seen_at FROM sessions")
    told = browser.post("/members", {"csrf_token": ""}, status=400).json
    assert (told["why"], told["name"]) == ("no_token", "dora")
    told = browser.post("/members", {"csrf_token": ""}, headers={"Origin": "https://evil.test"}, status=400)
    assert (told.json["why"], told.json["received"]) == ("foreign_origin", "https://evil.test")
    for secret in browser.cookies.values():
        assert secret not in told.text
    assert blog.sql("SELECT last_seen_at FROM sessions") == [before]


def test_the_list_of_a_user_is_of_own_sessions_last_seen_first(blog):
    for agent in ("Firefox", "Chrome"):
        blog.browser("dora", agent)
    blog.browser("emil")
    found = blog.of("dora")
    assert [type(one) for one in found] == [OwnSession] * 2
    assert [(one.last_agent, one.state) for one in found] == [("Chrome", "active"), ("Firefox", "active")]


@pytest.mark.parametrize(
    ("scope", "left"),
    [
        (lambda blog: Scope(sessions=(blog.of("dora")[0].id,)), {"dora": 1, "emil": 1}),
        (lambda blog: Scope(user_id=blog.authority.users["dora"]), {"dora": 0, "emil": 1}),
        (lambda blog: Scope(site="blog"), {"dora": 0, "emil": 0}),
        (lambda blog: Scope(everyone=True), {"dora": 0, "emil": 0}),
    ],
    ids=["id", "user", "site", "everyone"],
)
def test_sessions_end_by_id_user_site_or_all_at_once(blog, scope, left):
    for name in ("dora", "dora", "emil"):
        blog.browser(name)
    blog.sessions.revoke(scope(blog), WHY, CLIENT)
    assert {name: len(blog.of(name)) for name in left} == left


def test_a_limit_is_kept(blog):
    for name in ("dora", "emil"):
        blog.browser(name)
    ids = tuple(blog.of(name)[0].id for name in ("dora", "emil"))
    with pytest.raises(TooFar):
        blog.sessions.revoke(Scope(sessions=ids), WHY, CLIENT, limit=Limit(1, "blog", frozenset({"owner"})))
    with pytest.raises(TooFar):
        blog.sessions.revoke(Scope(sessions=ids), WHY, CLIENT, limit=Limit(5, "blog", frozenset({"author"})))
    assert len(blog.of("dora") + blog.of("emil")) == 2


def test_a_withheld_session_is_none_keeps_its_cookies_and_is_replaced_by_a_login(blog):
    browser = blog.browser("dora")
    [one] = blog.of("dora")
    assert blog.sessions.quarantine([one.id], WHY, CLIENT) == 1
    assert browser.get("/members", status=403).json == {"why": "quarantined", "spent": False}
    browser.get("/login?name=dora", status=302)
    [other] = blog.of("dora")
    assert other.id != one.id
    assert browser.get("/members").json["id"] == str(other.id)


def test_cookies_may_be_cleared_where_this_request_has_found_their_token_dead(blog):
    browser = blog.browser("dora")
    clocks.idle_out(blog.sessions.db)
    blog.authority.live = {}
    answer = browser.get("/members", status=403)
    assert answer.json["spent"] is True
    assert "Set-Cookie" not in answer.headers
    # Another tab may hold the cookies of a newer login by now.
    assert browser.get("/members", status=403).json["spent"] is False


def test_a_released_session_goes_on(blog):
    browser = blog.browser("dora")
    ids = [blog.of("dora")[0].id]
    blog.sessions.quarantine(ids, WHY, CLIENT)
    assert blog.sessions.release(ids, WHY, CLIENT) == 1
    browser.get("/members", status=200)


def test_a_rule_refuses_sessions_and_logins_until_it_is_lifted(blog):
    browser = blog.browser("dora")
    rule_id = blog.sessions.add_rule(Rule(600, user_id=blog.authority.users["dora"]), WHY, CLIENT)
    assert browser.get("/members", status=403).json == {"why": "blocked", "spent": False}
    assert blog.browser().get("/login?name=dora", status=403).json == {"blocked": "by a rule"}
    assert blog.sessions.lift_rule(rule_id, "carol", CLIENT)
    browser.get("/members", status=200)


def test_a_rule_without_a_user_is_known_before_the_password(blog):
    blog.browser("dora")
    blog.sessions.add_rule(Rule(600, network="198.51.100.0/24"), WHY, CLIENT)
    thief = blog.browser(address="198.51.100.7")
    assert thief.get("/login?name=dora", status=403).json == {"blocked": "before the password"}
    blog.browser("dora")


def test_nobody_makes_a_rule_against_themselves(blog):
    blog.browser("dora")
    [row] = blog.of("dora")
    me = blog.sessions.start(
        Login(
            user := blog.authority.users["dora"],
            "dora",
            "",
            (),
            *blog.authority.issue(user),
            blog.sessions.login_start(),
        ),
        CLIENT,
    ).session
    with pytest.raises(ShutOut):
        blog.sessions.add_rule(Rule(600, user_id=me.user_id), WHY, CLIENT, maker=me)
    assert blog.sql("SELECT 1 FROM standing_rules") == []
    assert row.id in [one.id for one in blog.of("dora")]


def test_a_view_can_ask_for_a_fresh_password(blog):
    browser = blog.browser("dora")
    browser.get("/password", status=200)
    clocks.pass_time(blog.sessions.db, 301)
    browser.get("/password", status=401)
    browser.get("/members", status=200)


def test_a_permission_is_its_roles(blog):
    browser = blog.browser("dora")
    browser.get("/delete", status=403)
    blog.authority.role = "editor"
    blog.browser("emil").get("/delete", status=200)


def test_a_logout_takes_the_form_of_an_old_tab(blog):
    browser = blog.browser("dora")
    old = browser.get("/members").json["token"]
    browser.get("/login?name=dora", status=302)
    browser.post("/members", {"csrf_token": old}, status=400)
    browser.post("/logout", {"csrf_token": old}, headers=SAME_ORIGIN, status=303)
    browser.get("/members", status=403)


def test_a_revocation_while_the_password_is_checked_beats_the_login(blog):
    blog.browser("dora")
    user = blog.authority.users["dora"]
    before = blog.sessions.login_start()
    blog.sessions.revoke(Scope(user_id=user), WHY, CLIENT)
    pair = blog.sessions.start(Login(user, "dora", "", (), *blog.authority.issue(user), before), CLIENT).issue
    assert blog.sessions.resume(pair, CLIENT).session is None


def test_an_earlier_login_by_the_same_form_that_comes_in_later_gets_no_cookies(blog):
    blog.browser("dora")
    user = blog.authority.users["dora"]
    earlier, later = blog.sessions.login_start(), blog.sessions.login_start()

    def start(at):
        login = Login(user, "dora", "", (), *blog.authority.issue(user), at)
        return blog.sessions.start(login, CLIENT, login_form=b"one form")

    assert start(later).issue is not None
    assert (start(earlier).session, start(earlier).issue) == (None, None)


def test_while_the_authority_is_away_the_cookies_stay(blog):
    browser = blog.browser("dora")
    clocks.idle_out(blog.sessions.db)
    blog.authority.away = True
    answer = browser.get("/members", status=503)
    assert (answer.json["retry_after"], "Set-Cookie" in answer.headers) == (5, False)
    blog.authority.away = False
    browser.get("/members", status=200)


def test_cookies_are_set_on_error_pages_too(blog):
    browser = blog.browser("dora")
    blog.sql("UPDATE sessions SET due_at = now()")
    answer = browser.get("/missing", status=500)
    assert any(value.startswith("__Host-session=") for value in answer.headers.getall("Set-Cookie"))


def test_an_unknown_key_stops_the_start(blog_of):
    with pytest.raises(SettingsError, match=r"sessions\.idel"):
        blog_of(**{"sessions.idel": "60"})


def test_signals_are_watched_and_roles_not_asked_for_unless_a_setting_says_so(blog):
    assert (blog.sessions.config.risk, blog.sessions.config.roles_every) == ("monitor", 0)
    browser = blog.browser("dora")
    clocks.pass_time(blog.sessions.db, 600)
    browser.get("/members", status=200, headers={"User-Agent": "Opera"})
    assert blog.authority.asked_roles == 0


def test_several_workers_run_the_jobs(blog):
    blog.browser("dora")
    blog.authority.away = True
    blog.sessions.revoke(Scope(everyone=True), WHY, CLIENT)
    blog.authority.away = False
    blog.sql("UPDATE revocation_outbox SET next_try_at = now()")
    together(*[lambda: jobs.run_once(blog.sessions)] * 3)
    deadline = time.monotonic() + 5
    while not blog.authority.revoked and time.monotonic() < deadline:
        jobs.run_once(blog.sessions)
    assert [one["site"] for one in blog.authority.revoked] == ["blog"]


def test_the_tables_are_a_target_for_alembic(blog):
    names = set(tables.metadata.tables)
    with blog.sessions.db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, _: kind != "table" or name in names}
        )
        assert compare_metadata(context, tables.metadata) == []
