"""FusionAuth hangs, or answers nonsense, while a real server with its sixteen threads is in use."""

import time
from functools import partial

import pytest
from http_helpers import SESSION, credentials, set_cookies
from session_fixtures import together
from sockets import request, send, served
from support import Browser, person, url_of

import shopforum

CART = "/shopping-cart"

NONSENSE = [
    {"status": 200, "body": "<!doctype html><h1>It works!"},
    {"status": 200, "body": {}},
    {"status": 200, "body": []},
    {"status": 200, "body": "null"},
    {"status": 200, "body": "[" * 50_000},
    {"status": 200, "body": "x" * 400_000},
    {"status": 200, "body": {"token": 7, "refreshToken": ["x"], "user": "nobody"}},
    {"status": 200, "body": {"token": "a.b.c", "refreshToken": "", "user": {"id": "x", "registrations": 3}}},
    {"status": 204},
    {"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
    {"status": 418, "body": {}},
    {"status": 429, "headers": {"Retry-After": "9999999"}},
    {"status": 500, "body": "Traceback (most recent call last)"},
    {"drop": True},
]


def carrying(client: Browser) -> str:
    return "Cookie: " + "; ".join(f"{name}={value}" for name, value in credentials(client).items())


@pytest.fixture
def impatient(settings, apps):
    """A store that waits for FusionAuth not quite as long as usual."""
    app = shopforum.main({}, **settings("store"), **{"idp.read_timeout": "1", "idp.connect_timeout": "0.5"})
    yield app
    app.services.db.engine.dispose()


def test_a_provider_that_hangs_leaves_threads_for_everybody_else(impatient, idp, sql):
    """More expired sessions than threads, and a provider that answers none of them in time."""
    waiting = [Browser(impatient, url_of("store")) for _ in range(20)]
    for client in waiting:
        client.log_in("shopper")
    sql("UPDATE sessions SET idle_end = now() - interval '1 second'")
    active = Browser(impatient, url_of("store"))
    active.log_in("member")
    idp.hook("fail", path="/api/jwt/refresh", times=1000, status=None, delay_seconds=6)
    with served(impatient) as port:

        def timed(*headers, path=CART, pause=0.0):
            time.sleep(pause)
            started = time.monotonic()
            return send(port, request("GET", path, *headers), 30), time.monotonic() - started

        lost = [partial(timed, carrying(client)) for client in waiting]
        others = [partial(timed, carrying(active), pause=0.3), partial(timed, path="/", pause=0.4)]
        answers = together(*lost, *others)
        # The breaker has opened: nobody asks, and nobody waits for a time-out any more.
        asked = len(idp.calls("/api/jwt/refresh"))
        again, _ = timed(carrying(waiting[0]))
        asked_again = len(idp.calls("/api/jwt/refresh"))
    for answer, _ in answers[:20]:
        assert answer.status == 503
        assert answer.header("Retry-After")
        assert answer.header("Set-Cookie") is None
    for answer, seconds in answers[20:]:
        assert answer.status == 200
        assert seconds < 6, "served only when the provider had stopped hanging: no thread was left"
    assert again.status == 503
    assert asked_again == asked, "the breaker is closed"
    idp.hook("reset")
    impatient.services.idp.breaker.reset()
    for client in waiting[:3]:
        client.get(CART, status=200)


@pytest.mark.parametrize("path", ["/api/jwt/refresh", "/api/login"])
def test_nonsense_signs_nobody_in_and_nobody_out(apps, browser, idp, sql, path):
    store, known = browser("store"), browser("store")
    known.log_in("shopper")
    pair = credentials(known)
    sql("UPDATE sessions SET idle_end = now() - interval '1 second'")
    for nonsense in NONSENSE:
        idp.hook("fail", path=path, times=1, **nonsense)
        store.app.services.idp.breaker.reset()
        if path == "/api/login":
            answer = store.log_in("shopper", status=503)
            assert person("shopper").email in answer.text
        else:
            answer = known.get(CART, status=503)
            assert credentials(known) == pair, nonsense
        assert int(answer.headers["Retry-After"]) <= 60
        assert SESSION not in set_cookies(answer)
        assert "Traceback" not in answer.text
    store.app.services.idp.breaker.reset()
    if path == "/api/login":
        assert len(sql("SELECT 1 FROM sessions")) == 1
        store.log_in("shopper", status=302)
    else:
        known.get(CART, status=200)


def test_a_provider_that_is_not_there_or_speaks_tls_badly_is_away(settings, apps, idp):
    for url in ("http://127.0.0.1:1", idp.url.replace("http:", "https:")):
        app = shopforum.main({}, **{**settings("store"), "idp.url": url})
        client = Browser(app, url_of("store"))
        assert client.log_in("shopper", status=503).headers["Retry-After"]
        client.get("/", status=200)
        app.services.db.engine.dispose()
