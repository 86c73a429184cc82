"""FusionAuth or the database away: nobody is logged out, and revoking works."""

from concurrent.futures import ThreadPoolExecutor

from http_helpers import SESSION, credentials, give, paths, set_cookies
from support import Browser, person, url_of
from waiting import eventually

import shopforum
from shopforum.sessions import jobs

CART = "/shopping-cart"


def test_with_fusionauth_away_signed_in_pages_work_and_expired_sessions_wait(store, idp, idle_out):
    store.log_in("shopper")
    pair = credentials(store)
    idp.hook("fail", path="/", times=1000, status=503)
    assert store.get(CART, status=200)
    idle_out()
    answer = store.get(CART, status=503)
    assert answer.headers["Retry-After"]
    assert set_cookies(answer) == {}
    assert credentials(store) == pair
    idp.hook("reset")
    assert store.get(CART, status=200)


def test_with_fusionauth_away_a_login_says_so_and_keeps_the_address(store, idp):
    idp.hook("fail", path="/api/login", times=1, status=503)
    answer = store.log_in("shopper", status=503)
    assert answer.headers["Retry-After"]
    assert person("shopper").email in answer.text
    assert person("shopper").password not in answer.text


def test_with_fusionauth_away_revoking_works_and_is_told_later(store, admin, idp, sql, apps):
    store.log_in("shopper")
    admin.log_in("responder")
    [row] = sql("SELECT id, user_id FROM sessions WHERE site = 'store'")
    idp.hook("fail", path="/", times=1000, status=503)
    page = admin.get(f"/sessions/{row['id']}")
    form = next(form for form in page.forms.values() if form.action.endswith("/sessions/revoke"))
    form["reason"] = "suspected_theft"
    receipt = form.submit()
    while receipt.status_int == 200:
        form = next(form for form in receipt.forms.values() if form.action.endswith("/sessions/revoke"))
        receipt = form.submit("confirm") if "confirm" in form.fields else form.submit()
    assert receipt.status_int == 303
    store.get(CART, status=302)
    assert sql("SELECT 1 FROM revocation_outbox WHERE done_at IS NULL")
    idp.hook("reset")
    idp.forget_calls()
    sql("UPDATE revocation_outbox SET next_try_at = now()")
    jobs.run_once(apps["admin"].services.sessions)
    assert [call.split("/")[0] for call in paths(idp)] == ["DELETE "]
    assert not sql("SELECT 1 FROM revocation_outbox WHERE done_at IS NULL")


def test_a_hanging_fusionauth_holds_no_connection_and_no_other_page(
    settings, store, browser, silent, idle_out
):
    """More expired sessions wait for a provider that never answers than the pool has connections, and a signed-in page of
    somebody else is served meanwhile.
    """
    others = [browser("store") for _ in range(12)]
    for client in others:
        client.log_in("shopper")
    idle_out()
    store.log_in("member")
    hanging = {"idp.url": silent.url, "idp.read_timeout": "15", "database.pool_size": "3"}
    app = shopforum.main({}, **settings("store") | hanging)

    def there(client):
        return give(Browser(app, url_of("store")), credentials(client))

    with ThreadPoolExecutor(12) as pool:
        waiting = [pool.submit(there(client).get, CART, status="*") for client in others]
        try:
            eventually(lambda: silent.asked == 5)
            there(store).get(CART, status=200)
            assert len([one for one in waiting if not one.done()]) >= 5, "it waited for the provider"
        finally:
            silent.hang_up()
        answers = [one.result() for one in waiting]
    assert [answer.status_int for answer in answers] == [503] * 12
    app.services.db.engine.dispose()
    for client in others:
        client.get(CART, status=200)


def test_connections_that_died_are_replaced_and_nobody_is_logged_out(store, sql):
    store.log_in("shopper")
    pair = credentials(store)
    sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'shopforum' AND pid <> pg_backend_pid()"
    )
    assert store.get(CART, status=200)
    assert credentials(store) == pair


def test_the_database_away_is_503_on_every_kind_of_page(settings, apps, store):
    store.log_in("shopper")
    dead = {**settings("store"), "database.url": "postgresql://nobody:x@127.0.0.1:1/none"}
    app = shopforum.main({}, **dead)
    client = give(Browser(app, url_of("store")), credentials(store))
    for path in (CART, "/", "/login", "/products"):
        answer = client.get(path, status="*")
        assert answer.status_int in (200, 503), path
        assert SESSION not in set_cookies(answer)
    assert client.get(CART, status=503).headers["Retry-After"]
    assert client.get("/healthz", status=200)
    assert client.get("/readyz", status=503)
    app.services.db.engine.dispose()
