"""A peer that answers a byte at a time holds none of those who ask it."""

import http.client
import smtplib
from contextlib import suppress
from typing import Any

import pytest
import requests
from dripping import dripping

from shopforum import configuration
from shopforum.cli.check_fusionauth import Api
from shopforum.core import network_deadlines, outgoing_requests
from shopforum.mail import outgoing
from shopforum.sessions import jobs
from shopforum.sessions.keyring import Keyring
from shopforum.web import probe
from shopforum.webhooks import keys, outbound
from shopforum.webhooks.keys import KeySet, KeysUnavailable
from shopforum.webhooks.settings import Endpoint

# Far more drops than come within a deadline of a fraction of a second, and none that a hanging call would ever reach.
MOST = 100

KEYS = Keyring(["k" * 64])

HEADERS = b"HTTP/1.1 200 OK\r\nX-Slow: "
BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n"


@pytest.mark.parametrize("begin", [b"", HEADERS], ids=["status", "headers"])
def test_a_receiver_of_events(
    apps: dict[str, Any],
    store: Any,
    sql: Any,
    monkeypatch: pytest.MonkeyPatch,
    begin: bytes,
):
    monkeypatch.setattr(outbound, "_LONGEST", 0.3)
    services = apps["store"].services
    store.log_in("shopper")
    while jobs.seal(services.sessions):
        pass
    with dripping(begin) as server:
        slow = Endpoint("slow", f"http://{server.address}/", (b"n" * 32,), frozenset({"session_created"}))
        outbound.run_once(services.db, (slow,))
        sql("UPDATE webhook_endpoints SET seq = 0, next_try_at = now()")
        assert outbound.run_once(services.db, (slow,)) == 0
        assert server.drops < MOST
    [row] = sql("SELECT attempts, last_error FROM webhook_endpoints")
    assert row["attempts"] == 1
    # Where the connection is reset in place of ended, it says so.
    assert row["last_error"].partition(":")[0] in ("ConnectionError", "ReadTimeout")


@pytest.mark.parametrize("begin", [HEADERS, BODY], ids=["headers", "body"])
def test_the_keys_of_fusionauth(monkeypatch: pytest.MonkeyPatch, begin: bytes):
    monkeypatch.setattr(keys, "_LONGEST", 0.3)
    with dripping(begin) as server:
        with pytest.raises(KeysUnavailable):
            KeySet(f"http://{server.address}", None, "RS256", "").count()
        assert server.drops < MOST


@pytest.mark.parametrize("begin", [HEADERS, BODY], ids=["headers", "body"])
def test_fusionauth_as_the_check_asks_it(settings: Any, begin: bytes):
    with dripping(begin) as server:
        slow = {
            "idp.url": f"http://{server.address}",
            "idp.connect_timeout": "0.2",
            "idp.read_timeout": "0.2",
        }
        with pytest.raises(requests.RequestException):
            Api(configuration.load({**settings("store"), **slow})).get("/api/status")
        assert server.drops < MOST


@pytest.mark.parametrize("begin", [HEADERS, BODY], ids=["headers", "body"])
def test_a_site_that_is_asked_what_it_received(begin: bytes):
    with dripping(begin) as server:
        with suppress(OSError, http.client.HTTPException):
            # A body that is cut off is no response of a site.
            answer = probe.ask(f"http://{server.address}", KEYS, timeout=0.3)
            assert answer.received is None
        assert server.drops < MOST


@pytest.mark.parametrize("tls", ["none", "starttls", "tls"])
def test_a_mail_server(tls: str):
    settings = {"mail.host": "127.0.0.1", "mail.tls": tls, "mail.from": "shop@harbour.example"}
    # A record of TLS that says to be as long as one may be; the greeting of a server, which has no end.
    begin = b"\x16\x03\x03\x40\x00" if tls == "tls" else b"220 "
    with dripping(begin, asked=tls == "tls") as server:
        parsed = outgoing.parse({**settings, "mail.port": str(server.port)})
        with (
            pytest.raises((OSError, smtplib.SMTPException)),
            outgoing.connected(parsed, timeout=30, longest=0.3),
        ):
            pass
        assert server.drops < MOST


def test_a_handshake_of_tls():
    with dripping(b"\x16\x03\x03\x40\x00") as server:
        with (
            pytest.raises(requests.ConnectionError),
            network_deadlines.ended_after(0.3),
            outgoing_requests.sender() as one,
        ):
            one.get(f"https://{server.address}/", timeout=30)
        assert server.drops < MOST
