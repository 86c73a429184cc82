"""Who has an account, and which session ids exist: told neither by words, nor by statuses, nor by time."""

import dataclasses
import random
import re
import statistics
import time

import pytest
from http_helpers import SESSION, credentials, give, set_cookies
from support import person

from shopforum.login.settings import LoginSettings

HOME = "/shopping-cart"
# Samples of each kind, taken in turns. A difference that shows only in more of them is repeated once before it counts.
SAMPLES = 60


def words(answer):
    """The page without its request's number and its form's token, which differ each time."""
    return re.sub(r"<code>[0-9a-f]{16}</code>|[0-9a-f]{32}\.[\w-]{43}", "…", answer.text)


def superiority(one, other):
    """How often a sample of one takes longer than one of the other: half of the times where nothing tells them apart
    (Mann and Whitney's U over its maximum)."""
    wins = sum((a > b) + 0.5 * (a == b) for a in one for b in other)
    return wins / (len(one) * len(other))


def tell_apart(acts, samples=SAMPLES):
    """The kinds whose times differ for sure: by which anybody could tell one from the other after few tries.

    They are measured in turns and in random order, so that a busy machine is as busy for each. The bounds are wide: a
    statement or a call more or less goes far beyond them.
    """
    times = {name: [] for name in acts}
    dice = random.Random(samples)
    for _ in range(samples):
        for name in dice.sample(sorted(acts), len(acts)):
            started = time.perf_counter()
            acts[name]()
            times[name].append(time.perf_counter() - started)
    names = sorted(acts)
    return {
        (one, other): (
            superiority(times[one], times[other]),
            *(statistics.median(times[n]) for n in (one, other)),
        )
        for one in names
        for other in names
        if one < other
        and not 0.25 < superiority(times[one], times[other]) < 0.75
        and not 0.7 < statistics.median(times[one]) / statistics.median(times[other]) < 1.43
    }


def test_no_session_id_is_told_from_another_by_time(browser, sql):
    """Ended, or alive but without its refresh token: the same page, and as soon. One that was never given is refused
    like both; that it is refused a little sooner, because nothing is noted, helps nobody to guess 256 bits.
    """
    clients = {}
    for name in ("ended", "alive"):
        clients[name] = browser("store")
        clients[name].log_in("shopper")
    held = {name: credentials(client)[SESSION] for name, client in clients.items()}
    [newest] = sql("SELECT id FROM sessions ORDER BY created_at LIMIT 1")
    sql("UPDATE sessions SET ended_at = now(), end_reason = 'logout' WHERE id = :id", id=newest["id"])
    guesser = browser("store", "203.0.113.66")

    def guess(value):
        answer = guesser.get(HOME, headers={"Cookie": f"{SESSION}={value}"}, status=302)
        assert answer.headers["Location"] == "/login?next=%2Fshopping-cart"
        assert set_cookies(answer).keys() <= {"__Host-csrf"}

    acts = {
        "ended": lambda: guess(held["ended"]),
        "alive": lambda: guess(held["alive"]),
    }
    guess("Z" * 43)
    assert not tell_apart(acts) or not tell_apart(acts, 3 * SAMPLES)


@pytest.fixture
def patient(store):
    """The store with a floor under refusals, low enough for many of them; the throttle out of the way."""
    services, before = store.app.services, store.app.services.objects[LoginSettings]
    services.objects[LoginSettings] = dataclasses.replace(
        before, account_failures=1e6, address_failures=1e6, refusal_floor=0.06
    )
    yield store
    services.objects[LoginSettings] = before


def test_no_account_is_told_from_another_by_word_status_or_time(patient, idp):
    idp.hook("lock", email=person("member").email, on=True)
    page = patient.get("/login")
    token = page.html.select_one("input[name=csrf_token]")["value"]
    told = set()

    def try_(email, password):
        fields = {"csrf_token": token, "email": email, "password": password}
        answer = patient.post("/login", fields, status=422)
        assert answer.headers.getall("Set-Cookie") == []
        told.add(words(answer).replace(email, "…"))

    acts = {
        "unknown": lambda: try_("nobody-at-all@harbour.example", "wrong"),
        "wrong": lambda: try_(person("shopper").email, "wrong"),
        "locked": lambda: try_(person("member").email, person("member").password),
    }
    assert not tell_apart(acts, 12) or not tell_apart(acts, 40)
    assert len(told) == 1, "the pages differ"


@pytest.mark.parametrize("status", [404, 409, 410, 423])
def test_what_fusionauth_tells_of_an_account_is_told_to_nobody(patient, idp, status):
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
