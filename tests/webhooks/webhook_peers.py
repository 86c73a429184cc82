"""The other sides of the webhooks: FusionAuth as a sender, an endpoint as a receiver, a browser with a session."""

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
from support import APPLICATIONS, Browser, person

from shopforum.dev.idp.jwts import SigningKey

PATH = "/webhooks/fusionauth"


@dataclass
class Sender:
    """FusionAuth's side: makes and signs events, and sends them as FusionAuth does, or as an attacker would."""

    browser: Browser
    key: SigningKey

    def event(self, kind: str, **fields: Any) -> dict[str, Any]:
        frame = {"id": str(uuid.uuid4()), "type": kind, "createInstant": int(time.time() * 1000)}
        return {"event": frame | fields}

    def send(self, event: Any, *, status: int = 204, signature: str | None = None, **headers: str) -> Any:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        headers["X-FusionAuth-Signature-JWT"] = signature if signature is not None else self.sign(body)
        return self.browser.post(PATH, body, headers=headers, content_type="application/json", status=status)

    def sign(self, body: bytes) -> str:
        return self.key.sign_body(base64.b64encode(hashlib.sha256(body).digest()).decode())

    def forge(self, body: bytes, key: Any, algorithm: str, **header: Any) -> str:
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        return jwt.encode({"request_body_sha256": digest}, key, algorithm=algorithm, headers=header)


@dataclass
class Receiver:
    """An endpoint: the messages that arrived, the statuses to respond with, and what to do before a response."""

    url: str
    got: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    meanwhile: Callable[[], Any] = lambda: None


def about(name: str) -> dict[str, str]:
    """Return a person as FusionAuth's events name one."""
    return {"id": person(name).id, "email": person(name).email}


def application(site: str) -> str:
    return APPLICATIONS[site]


def signed_in(client: Browser) -> bool:
    """Return whether this browser still has a session."""
    site = client.extra_environ["HTTP_HOST"].partition(".")[0]
    path = {"store": "/shopping-cart", "forums": "/posts", "admin": "/sessions"}[site]
    return 'action="/logout"' in client.get(path, status="*").text
