"""Small parts of the session core that few requests reach."""

import uuid

import pytest
from pyramid.config import Configurator
from pyramid.csrf import get_csrf_token, new_csrf_token
from pyramid.response import Response
from pyramid.security import remember
from session_fixtures import OWNER, SECRET, Provider
from sqlalchemy import create_engine as plain_engine
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from webtest import TestApp

from shopforum.core.database import Database
from shopforum.core.engine import create_engine, driver_url
from shopforum.sessions import Login, Scope, lookup
from shopforum.sessions.cookies import SESSION, CookieJar
from shopforum.sessions.model import Outcome, Pair
from shopforum.sessions.policy import cookie_headers


def test_a_cookie_that_browsers_would_drop_is_never_written():
    with pytest.raises(ValueError, match="longer than browsers keep"):
        CookieJar().header(SESSION, "x" * 4096, 60)


def test_an_engine_that_would_lose_single_statements_is_refused(database_url):
    engine = plain_engine(driver_url(database_url))
    with pytest.raises(RuntimeError, match="AUTOCOMMIT"):
        Database(engine).all(text("SELECT 1"))
    engine.dispose()


def test_pyramid_s_own_words_work(clean, database_url):
    """`request.authenticated_userid` and `new_csrf_token`, as an application expects of Pyramid."""
    engine = create_engine(database_url, 2)

    def whoami(request):
        first, second = new_csrf_token(request), get_csrf_token(request)
        return {"id": request.authenticated_userid, "same": first == second}

    with Configurator(settings={"sessions.site": "blog", "sessions.secret": SECRET}) as config:
        config.include("shopforum.sessions")
        config.set_session_engine(engine)
        config.set_session_authority(Provider())
        config.add_route("whoami", "/whoami")
        config.add_view(whoami, route_name="whoami", renderer="json")
        config.add_route("enter", "/enter")
        config.add_view(enter, route_name="enter", require_csrf=False)
        app = config.make_wsgi_app()
    client = TestApp(app, extra_environ={"wsgi.url_scheme": "https", "HTTP_HOST": "blog.test"})
    assert client.get("/whoami").json == {"id": None, "same": True}
    user_id = client.get("/enter").text
    assert client.get("/whoami").json == {"id": user_id, "same": True}
    engine.dispose()


def enter(request):
    user_id = uuid.uuid4()
    token, token_id = request.sessions.authority.issue(user_id)
    login = Login(user_id, "Dora", "", (), token, token_id, request.sessions.login_start())
    headers = remember(request, login)
    assert cookie_headers(request, Outcome()) == []
    return Response(str(user_id), headerlist=[("Content-Type", "text/plain; charset=utf-8"), *headers])


def test_a_connection_that_breaks_in_a_transaction_is_gone_and_the_next_is_new(core):
    """The server ends it between two statements: DBAPIError as from any other, and nothing of it in the pool."""
    database = core.sessions.db

    def broken():
        with database.transaction() as connection:
            pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            core.sql("SELECT pg_terminate_backend(:pid, 5000)", pid=pid)
            connection.execute(text("SELECT 1"))

    with pytest.raises(DBAPIError):
        broken()
    assert database.one(text("SELECT 1 AS one"))["one"] == 1


def test_a_pair_without_a_session_id_is_neither_found_nor_stored(core):
    lone = Pair(None, "r" * 40)
    with pytest.raises(ValueError, match="session id"):
        lookup.find(core.sessions.context, lone, OWNER)
    with pytest.raises(ValueError, match="session id"):
        core.sessions.context.credential(lone)


USER, SESSION_ID = uuid.UUID(int=1), uuid.UUID(int=2)


@pytest.mark.parametrize(
    ("scope", "name", "gate", "wide", "by_id"),
    [
        (Scope(sessions=(SESSION_ID,)), "session", None, False, True),
        (Scope(sessions=(SESSION_ID,), filter_text="user:ann"), "filter", None, False, True),
        (Scope(filter_text="user:nobody"), "filter", None, False, True),
        (Scope(user_id=USER), "user", f"user:{USER}", False, False),
        (Scope(user_id=USER, site="store"), "user", f"user:{USER}@store", False, False),
        (Scope(site="store"), "site", "site:store", True, False),
        (Scope(everyone=True), "everyone", "everyone", True, False),
    ],
)
def test_the_kind_and_the_gate_of_a_scope(scope, name, gate, wide, by_id):
    assert (scope.name, scope.gate, scope.wide, scope.by_id) == (name, gate, wide, by_id)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"everyone": True, "site": "store"},
        {"everyone": True, "filter_text": "all"},
        {"sessions": (SESSION_ID,), "user_id": USER},
        {"filter_text": "user:ann", "site": "store"},
        {"sessions": (SESSION_ID,) * (Scope.MOST + 1)},
    ],
)
def test_a_scope_of_nothing_of_two_things_or_of_too_many_is_none(values):
    with pytest.raises(ValueError, match="sessions"):
        Scope(**values)
