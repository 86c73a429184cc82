"""FusionAuth hangs, or answers nonsense, while a real server with its sixteen threads is in use."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from http_helpers import SESSION, credentials, set_cookies
from sockets import request, send, served
from support import Browser, person, url_of
from waiting import eventually

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


def test_a_provider_that_hangs_leaves_threads_for_everybody_else(settings, browser, idp, silent, idle_out):
    """More expired sessions than threads, and a provider that answers none of them while the others are served."""
    waiting = [browser("store") for _ in range(20)]
    for client in waiting:
        client.log_in("shopper")
    idle_out()
    active = browser("store")
    active.log_in("member")
    app = shopforum.main({}, **settings("store") | {"idp.url": silent.url, "idp.read_timeout": "15"})
    with served(app) as port, ThreadPoolExecutor(20) as pool:

        def get(*headers, path=CART):
            return send(port, request("GET", path, *headers), 60)

        lost = [pool.submit(get, carrying(client)) for client in waiting]
        try:
            eventually(lambda: silent.asked == 5)
            others = [get(carrying(active)), get(path="/")]
            assert not all(one.done() for one in lost), "they waited for the provider"
        finally:
            silent.hang_up()
        answers = [one.result() for one in lost]
        # The breaker has opened: nobody asks any more.
        again = get(carrying(waiting[0]))
    app.services.db.engine.dispose()
    for answer in answers:
        assert answer.status == 503
        assert answer.header("Retry-After")
        assert answer.header("Set-Cookie") is None
    assert [answer.status for answer in others] == [200, 200]
    assert again.status == 503
    assert silent.asked == 5, "the breaker is closed"
    for client in waiting[:3]:
        client.get(CART, status=200)


def test_the_tabs_of_one_person_do_not_hold_all_threads_while_their_session_is_refreshed(
    settings, browser, silent, idle_out
):
    client = browser("store")
    client.log_in("shopper")
    idle_out()
    app = shopforum.main({}, **settings("store") | {"idp.url": silent.url, "sessions.most_waiting": "2"})
    get = request("GET", CART, carrying(client))
    with served(app) as port, ThreadPoolExecutor(10) as pool:
        tabs = [pool.submit(send, port, get, 60) for _ in range(10)]
        try:
            eventually(lambda: sum(tab.done() for tab in tabs) >= 7)
            told = [tab.result() for tab in tabs if tab.done()]
        finally:
            silent.hang_up()
    app.services.db.engine.dispose()
    for answer in told:
        assert (answer.status, answer.header("Retry-After"), answer.header("Set-Cookie")) == (503, "1", None)


@pytest.mark.parametrize("path", ["/api/jwt/refresh", "/api/login"])
def test_nonsense_signs_nobody_in_and_nobody_out(apps, browser, idp, sql, path, idle_out):
    store, known = browser("store"), browser("store")
    known.log_in("shopper")
    pair = credentials(known)
    idle_out()
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


def test_a_provider_that_hangs_keeps_the_worker_from_nothing_else(write_ini, silent, sql, tmp_path):
    ini = write_ini(**{"idp.url": silent.url, "idp.read_timeout": "15"})
    sql(
        """WITH r AS (INSERT INTO revocations (scope, site, initiating_entity, actor, reason_code, matched, epoch)
          VALUES ('site', 'store', 'admin', 'Ann', 'other', 0, 1) RETURNING id)
        INSERT INTO revocation_outbox (revocation_id, site, user_id)
        SELECT id, 'store', gen_random_uuid() FROM r, generate_series(1, 8)"""
    )
    with (tmp_path / "log").open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "shopforum.cli", "worker", ini], stderr=output)
    try:
        eventually(lambda: silent.asked > 0)
        sql(
            "INSERT INTO audit_log (event, site, initiating_entity) VALUES ('session_created', 'store', 'user')"
        )
        eventually(lambda: not sql("SELECT 1 FROM audit_log WHERE seq IS NULL"))
        sql(
            """WITH r AS (INSERT INTO revocations (scope, initiating_entity, actor, reason_code, matched, epoch)
              VALUES ('everyone', 'admin', 'Ann', 'other', 0, 2))
            INSERT INTO sessions (site, user_id, user_name, roles, authenticated_at, absolute_end, idle_end, last_seen_at)
            VALUES ('store', gen_random_uuid(), 'x', '{}', now(), now() + interval '1 day', now(), now())"""
        )
        eventually(lambda: not sql("SELECT 1 FROM sessions WHERE revocation_id IS NULL"))
        assert len(sql("SELECT 1 FROM revocation_outbox WHERE done_at IS NULL AND last_error IS NULL")) == 8
        assert 1 < silent.asked <= 4, "several are asked at a time, and no more than several"
    finally:
        process.kill()
        process.wait()
