"""Errors that one account causes: they are its own, and whoever has such an account shuts out nobody else."""

import pytest
from http_helpers import credentials
from login.form_helpers import attempt
from page_forms import form_of
from support import person

from shopforum.sessions import jobs

CART = "/shopping-cart"


def errors(code):
    return {"fieldErrors": {}, "generalErrors": [{"code": f"[{code}]", "message": "It failed."}]}


# A lambda's, a connector's or a webhook's failure, and too many tries for one account.
OF_ONE_ACCOUNT = [
    {"status": 512, "body": errors("LambdaInvocationException")},
    {"status": 500, "body": errors("Exception")},
    {"status": 504, "body": errors("WebhookTransactionException")},
    {"status": 429},
]
OF_THE_SERVER = [{"status": 503}, {"status": 502, "body": " "}, {"drop": True}]


@pytest.mark.usefixtures("database_clock")
@pytest.mark.parametrize("answer", OF_ONE_ACCOUNT, ids=lambda one: str(one["status"]))
def test_a_login_that_fails_for_one_person_fails_for_nobody_else(browser, idp, sql, answer):
    mine = person("shopper")
    member = browser("store")
    idp.hook("fail", path="/api/login", times=5, **answer)
    for _ in range(5):
        page = attempt(browser("store"), mine.email, mine.password)
        assert page.status_int == 503
        assert "could not finish this login" in page.text
        assert "Login is not available at the moment" not in page.text
    member.log_in("member", status=302)
    # They may have been guesses: the next one has to wait.
    assert attempt(browser("store"), mine.email, mine.password).status_int == 429
    rows = sql("SELECT detail FROM audit_log WHERE event = 'authn_login_fail'")
    assert [row["detail"]["kind"] for row in rows] == ["undecided"] * 5


@pytest.mark.parametrize("answer", OF_ONE_ACCOUNT, ids=lambda one: str(one["status"]))
@pytest.mark.parametrize("path", ["/api/jwt/refresh", "/api/user"])
def test_a_refresh_that_fails_for_one_person_fails_for_nobody_else(browser, idp, idle_out, answer, path):
    mine, other = browser("store"), browser("store")
    mine.log_in("shopper")
    other.log_in("member")
    idle_out()
    pair = credentials(mine)
    idp.hook("fail", path=path, times=6, **answer)
    for _ in range(6):
        mine.get(CART, status=503)
    assert credentials(mine) == pair
    other.get(CART, status=200)
    mine.get(CART, status=200)


@pytest.mark.parametrize("answer", OF_THE_SERVER, ids=["503", "502", "dropped"])
def test_a_login_without_a_response_opens_the_breaker_of_logins_alone(
    browser, idp, idle_out, sql, apps, answer
):
    known = browser("store")
    known.log_in("member")
    idle_out()
    idp.hook("fail", path="/api/login", times=100, **answer)
    for name in ("a", "b", "c", "d", "e", "f", "g"):
        assert attempt(browser("store"), f"{name}@harbour.example", "x").status_int == 503
    assert len(idp.calls("/api/login")) == 6, "one before the faults, and five that failed"
    assert sql("SELECT 1 FROM login_failures WHERE failures > 0") == []
    known.get(CART, status=200)
    next(form for form in known.get("/account/sessions").forms.values() if form.action == "/logout").submit()
    assert not sql("SELECT 1 FROM revocation_outbox WHERE done_at IS NULL")


def test_refreshes_that_the_server_does_not_answer_close_no_login(browser, idp, idle_out, sql, apps):
    waiting = [browser("store") for _ in range(7)]
    for client in waiting:
        client.log_in("shopper")
    idle_out()
    idp.forget_calls()
    idp.hook("fail", path="/api/jwt/refresh", times=100, status=503)
    for client in waiting:
        client.get(CART, status=503)
    assert len(idp.calls("/api/jwt/refresh")) == 5
    browser("store").log_in("member", status=302)


def test_a_provider_that_takes_no_revocation_is_asked_for_logins_and_refreshes(
    browser, idp, sql, apps, idle_out
):
    client = browser("store")
    client.log_in("shopper")
    idp.hook("fail", path="/api/jwt/refresh", method="DELETE", times=100, status=503)
    for _ in range(7):
        other = browser("store")
        other.log_in("member")
        page = other.get("/account/sessions")
        form_of(page, "/logout").submit()
    idle_out()
    client.get(CART, status=200)
    browser("store").log_in("shopper", status=302)
    idp.hook("reset")
    apps["store"].services.idp.breaker.reset()
    sql("UPDATE revocation_outbox SET next_try_at = now()")
    while jobs.run_once(apps["store"].services.sessions):
        pass
    assert not sql("SELECT 1 FROM revocation_outbox WHERE done_at IS NULL")
