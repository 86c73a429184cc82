"""Accounts and session ids cannot be probed, neither by words, nor by statuses, nor by the work of a refusal."""

import dataclasses
import re
from functools import partial

import pytest
from http_helpers import SESSION, credentials, give, set_cookies
from support import person

from shopforum.login.settings import LoginSettings

HOME = "/shopping-cart"


def words(answer):
    """The page without its request's number and its form's token, which differ each time."""
    return re.sub(r"<code>[0-9a-f]{16}</code>|[0-9a-f]{32}\.[\w-]{43}", "…", answer.text)


def work(client, idp, count_sql, act):
    """Return the work of a response, which its time would tell: the statements in their order, and the calls to FusionAuth."""
    idp.forget_calls()
    with count_sql(client) as statements:
        act()
    return statements, [(call["method"], call["path"]) for call in idp.calls()]


def test_no_session_id_is_told_from_another_by_what_its_refusal_costs(browser, sql, idp, count_sql):
    """Ended, or alive but without its refresh token: the same page, for as much work. One that was never given is refused
    like both; that nothing is noted of it helps nobody to guess 256 bits.
    """
    clients = {}
    for name in ("ended", "alive"):
        clients[name] = browser("store")
        clients[name].log_in("shopper")
    held = {name: credentials(client)[SESSION] for name, client in clients.items()}
    [oldest] = sql("SELECT id FROM sessions ORDER BY created_at LIMIT 1")
    sql("UPDATE sessions SET ended_at = now(), end_reason = 'logout' WHERE id = :id", id=oldest["id"])
    guesser = browser("store", "203.0.113.66")

    def guess(value):
        answer = guesser.get(HOME, headers={"Cookie": f"{SESSION}={value}"}, status=302)
        assert answer.headers["Location"] == "/login?next=%2Fshopping-cart"
        assert set_cookies(answer).keys() <= {"__Host-csrf"}

    guess("Z" * 43)
    # Of a flood the first, second, fourth … are noted: each kind at the same turn.
    for _ in range(4):
        ended = work(guesser, idp, count_sql, partial(guess, held["ended"]))
        alive = work(guesser, idp, count_sql, partial(guess, held["alive"]))
        assert len(ended[0]) == len(alive[0])
        assert ended[1] == alive[1] == []


@pytest.fixture
def patient(store):
    """The store with the throttle out of the way. That a refusal lasts as long as the floor is in login/test_throttle.py."""
    services, before = store.app.services, store.app.services.objects[LoginSettings]
    services.objects[LoginSettings] = dataclasses.replace(before, account_failures=1e6, address_failures=1e6)
    yield store
    services.objects[LoginSettings] = before


def test_no_account_is_told_from_another_by_word_status_or_work(patient, idp, count_sql):
    idp.hook("lock", email=person("member").email, on=True)
    token = patient.get("/login").html.select_one("input[name=csrf_token]")["value"]
    told = set()

    def try_(email, password):
        fields = {"csrf_token": token, "email": email, "password": password}
        answer = patient.post("/login", fields, status=422)
        assert answer.headers.getall("Set-Cookie") == []
        told.add(words(answer).replace(email, "…"))

    unknown, wrong, locked = (
        work(patient, idp, count_sql, partial(try_, email, password))
        for email, password in (
            ("nobody-at-all@harbour.example", "wrong"),
            (person("shopper").email, "wrong"),
            (person("member").email, person("member").password),
        )
    )
    assert unknown == wrong == locked
    assert len(told) == 1, "the pages differ"


@pytest.mark.parametrize("status", [404, 409, 410, 423])
def test_facts_about_an_account_are_told_to_nobody(patient, idp, status):
    """A 404 has no body: one that has is a gateway's, and says nothing of the account."""
    body = {"message": "The account of shopper is locked since 12:03", "state": "LOCKED"}
    body = body if status != 404 else ""
    usual = patient.log_in("shopper", status=422, password="wrong")
    idp.hook("fail", path="/api/login", times=1, status=status, body=body)
    answer = patient.log_in("shopper", status=422, password="wrong")
    assert words(answer) == words(usual)
    assert set(answer.headers) == set(usual.headers)


def test_pages_of_others_read_like_pages_that_never_were(browser, sql):
    """Somebody else's session, order, kept form: 404 like a number that was never given."""
    store, other = browser("store"), browser("store")
    store.log_in("shopper")
    other.log_in("member")
    rows = sql("SELECT id FROM sessions ORDER BY created_at")
    token = store.get("/account/sessions").html.select_one("input[name=csrf_token]")["value"]

    def end(session_id):
        answer = store.post(f"/account/sessions/{session_id}/revoke", {"csrf_token": token}, status="*")
        return answer.status_int, words(answer)

    missing = end("00000000-0000-4000-8000-000000000000")
    assert missing[0] == 404
    assert end(rows[1]["id"]) == missing
    assert give(browser("store"), credentials(other)).get(HOME, status=200)
