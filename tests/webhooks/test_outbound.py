"""Receivers get events signed, in order, again until they have them, and nothing private."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from support import Browser, person
from webhooks.webhook_peers import Receiver

from shopforum.sessions import jobs
from shopforum.webhooks import outbound
from shopforum.webhooks.events import SENT
from shopforum.webhooks.settings import Endpoint

SECRET, OLDER = b"n" * 32, b"o" * 32


@pytest.fixture
def endpoint(receiver: Receiver) -> Endpoint:
    return Endpoint("siem", receiver.url, (SECRET, OLDER), frozenset(SENT))


@pytest.fixture
def tell(apps: dict[str, Any], endpoint: Endpoint) -> Callable[..., int]:
    """One turn of the worker, after sealing what there is; the endpoint is enlisted before the test begins."""
    services = apps["store"].services

    def run(*endpoints: Endpoint) -> int:
        while jobs.seal(services.sessions):
            pass
        return outbound.run_once(services.db, endpoints or (endpoint,))

    run()
    return run


def types(receiver: Receiver) -> list[str]:
    return [json.loads(one["body"])["type"] for one in receiver.got if one["status"] == 204]


def test_tells_in_order_what_happened(store: Browser, tell: Any, receiver: Receiver, sql: Any) -> None:
    store.log_in("shopper")
    store.post(
        "/logout",
        {"csrf_token": store.get("/shopping-cart").html.select_one("input[name=csrf_token]")["value"]},
    )
    assert tell() == 2
    assert types(receiver) == ["session_created", "session_logout"]
    assert tell() == 0
    first, second = (json.loads(one["body"]) for one in receiver.got)
    assert first["data"]["seq"] < second["data"]["seq"]
    assert first["data"]["sub_id"]["user"]["id"] == person("shopper").id
    assert second["data"]["caep"].endswith("/session-revoked")
    assert second["data"]["initiating_entity"] == "user"
    assert second["data"]["reason_admin"] == {"en": "logout"}
    [row] = sql("SELECT seq, attempts FROM webhook_endpoints")
    assert (row["seq"], row["attempts"]) == (sql("SELECT seq FROM audit_head")[0]["seq"], 0)


def test_is_signed_as_standard_webhooks_has_it(store: Browser, tell: Any, receiver: Receiver) -> None:
    store.log_in("shopper")
    tell()
    [got] = receiver.got
    headers = {name.lower(): value for name, value in got["headers"].items()}
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + got["body"]
    expected = [
        "v1," + base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode()
        for secret in (SECRET, OLDER)
    ]
    assert headers["webhook-signature"].split(" ") == expected


def test_tells_nothing_private(browser: Callable[..., Browser], tell: Any, receiver: Receiver) -> None:
    client = browser("store", "203.0.113.9")
    client.log_in("shopper")
    pair = dict(client.cookies)
    client.post(
        "/login", {"email": "shopper@harbour.example", "password": "x", "csrf_token": "x"}, status="*"
    )
    tell()
    everything = b"".join(one["body"] + str(one["headers"]).encode() for one in receiver.got).decode()
    for private in ("203.0.113.9", "Firefox", "Sam", "Shore", "harbour.example", *pair.values()):
        assert private not in everything


def test_a_refused_message_is_sent_again_first(
    browser: Callable[..., Browser], tell: Any, receiver: Receiver, sql: Any
) -> None:
    for name in ("shopper", "member"):
        browser("store").log_in(name)
    receiver.answers = [500]
    assert tell() == 0
    assert tell() == 0  # it waits
    assert len(receiver.got) == 1
    [row] = sql(
        "SELECT attempts, last_error, next_try_at > clock_timestamp() AS waits FROM webhook_endpoints"
    )
    assert (row["attempts"], row["last_error"], row["waits"]) == (1, "answered 500", True)
    sql("UPDATE webhook_endpoints SET next_try_at = now()")
    told = tell()
    assert told == len(types(receiver)) > 1
    again = receiver.got[1]
    assert again["headers"]["webhook-id"] == receiver.got[0]["headers"]["webhook-id"]
    seqs = [json.loads(one["body"])["data"]["seq"] for one in receiver.got[1:]]
    assert seqs == sorted(set(seqs))


@pytest.mark.parametrize("status", [301, 307, 404, 410, 503])
def test_only_a_success_counts_and_no_redirect_is_followed(
    store: Browser, tell: Any, receiver: Receiver, status: int
) -> None:
    store.log_in("shopper")
    receiver.answers = [status]
    assert tell() == 0
    assert [one["path"] for one in receiver.got] == ["/in"]


def test_an_endpoint_that_is_away_holds_up_no_other(
    store: Browser, tell: Any, endpoint: Endpoint, receiver: Receiver, sql: Any
) -> None:
    away = Endpoint("away", "http://127.0.0.1:9/", (SECRET,), endpoint.events)
    few = Endpoint("few", receiver.url, (SECRET,), frozenset({"session_logout"}))
    tell(away, endpoint, few)
    store.log_in("shopper")
    assert tell(away, endpoint, few) == 1
    rows = {row["name"]: row for row in sql("SELECT * FROM webhook_endpoints")}
    assert rows["away"]["last_error"] == "ConnectionError: Connection refused"
    assert rows["few"]["seq"] == rows["siem"]["seq"] > rows["away"]["seq"]
    assert rows["few"]["told_at"] is None


def test_a_worker_that_lost_its_lease_stops(
    browser: Callable[..., Browser], tell: Any, receiver: Receiver, sql: Any
) -> None:
    for name in ("shopper", "member"):
        browser("store").log_in(name)
    receiver.meanwhile = lambda: sql("UPDATE webhook_endpoints SET lease = gen_random_uuid()")
    assert tell() == 0
    assert len(receiver.got) == 1


def test_two_workers_and_a_slow_endpoint_tell_each_message_once(
    store: Browser, tell: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease begins anew with each message: a turn lasts longer than it."""
    monkeypatch.setattr(outbound, "_LEASE", 1)
    receiver.meanwhile = lambda: time.sleep(0.4)
    for _ in range(6):
        store.reset()
        store.log_in("shopper")

    def work() -> None:
        while len(receiver.got) < 6:
            tell()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join(60)
    told = [one["headers"]["webhook-id"] for one in receiver.got]
    assert len(told) == len(set(told)) == 6
