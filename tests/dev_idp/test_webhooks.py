"""The provider's webhooks: what is announced, to whom, and that nobody waits long for a receiver that is away."""

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
import requests


class Receiver(ThreadingHTTPServer):
    """Keeps what it is sent; refuses the first `refuse` deliveries, and answers none while it is `held`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.events: list[dict[str, Any]] = []
        self.raw: list[tuple[str, bytes]] = []
        self.refuse = 0
        self.held = threading.Event()
        self.held.set()


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.raw.append((self.headers["X-FusionAuth-Signature-JWT"], body))
        self.server.held.wait()
        refused = self.server.refuse > 0
        self.server.refuse -= refused
        if not refused:
            self.server.events.append(json.loads(body)["event"])
        with suppress(OSError):
            self.send_response(500 if refused else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_args: Any) -> None:
        return


@pytest.fixture
def receiver(hook: Callable[..., Any]) -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    hook("webhook", url=f"http://hooks.localhost:{server.server_port}/in")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def kinds(receiver: Receiver) -> list[str]:
    return [event["type"] for event in receiver.events]


def test_each_change_is_announced(
    receiver: Receiver, client: Any, person: Any, login: Any, world: Any
) -> None:
    one = login().success_response
    receiver.events.clear()
    client.revoke_refresh_token_by_id(one["refreshTokenId"])
    [event] = receiver.events
    assert event["refreshToken"]["id"] == one["refreshTokenId"]
    assert (event["userId"], event["applicationId"]) == (person.id, world.store)
    assert "token" not in event["refreshToken"]
    assert event["tenantId"] == world.tenant
    receiver.events.clear()
    client.revoke_refresh_tokens_by_user_id(person.id)
    assert kinds(receiver) == []  # none was left
    login()
    client.revoke_refresh_tokens_by_user_id(person.id)
    client.patch_registration(person.id, {"registration": {"applicationId": world.store, "roles": []}})
    client.patch_user(person.id, {"user": {"password": "another password"}})
    client.delete_registration(person.id, world.forums)
    client.deactivate_user(person.id)
    client.delete_user(person.id)
    assert kinds(receiver) == [
        "jwt.refresh-token.revoke",
        "user.registration.update",
        "user.password.update",
        "user.update",
        "user.registration.delete",
        "user.deactivate",
        "user.delete",
    ]
    assert all(event["id"] and event["createInstant"] for event in receiver.events)
    assert all(event["user"]["id"] == person.id for event in receiver.events[1:])


def test_is_signed_by_a_published_key(receiver: Receiver, client: Any, person: Any, world: Any) -> None:
    client.deactivate_user(person.id)
    [(signature, body)] = receiver.raw
    published = requests.get(f"{world.url}/.well-known/jwks.json", timeout=30).json()["keys"]
    header = jwt.get_unverified_header(signature)
    key = next(jwt.PyJWK(key) for key in published if key["kid"] == header["kid"])
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    assert jwt.decode(signature, key, algorithms=["RS256"]) == {"request_body_sha256": digest}


def test_a_refused_request_announces_nothing(receiver: Receiver, client: Any, person: Any) -> None:
    client.revoke_refresh_token_by_id(person.id)
    client.patch_user(person.id, {"user": {"password": "short"}})
    client.delete_registration(person.id, person.id)
    assert receiver.raw == []


def test_a_failed_delivery_is_tried_again_three_times(receiver: Receiver, client: Any, person: Any) -> None:
    receiver.refuse = 3
    client.deactivate_user(person.id)
    assert kinds(receiver) == ["user.deactivate"]
    assert len(receiver.raw) == 4


def test_nobody_waits_for_a_receiver_that_is_away(hook: Callable[..., Any], client: Any, person: Any) -> None:
    hook("webhook", url="http://127.0.0.1:9/")
    assert client.deactivate_user(person.id).status == 200


def test_nobody_waits_until_a_receiver_that_hangs_was_tried_for_the_last_time(
    receiver: Receiver, client: Any, person: Any
) -> None:
    receiver.held.clear()
    assert client.deactivate_user(person.id).status == 200
    tries = len(receiver.raw)
    receiver.held.set()
    assert tries < 4
