"""Webhooks of the provider: signed events about what was revoked, locked, changed and deleted.

They leave after the change is committed, one after the other, in a thread of their own; a failed one is tried three
times more, back to back, as FusionAuth does, and then given up. The request that caused them waits a moment for them,
so that a revocation here takes effect there. FusionAuth's transactional events would hold the change
itself until all receivers have agreed; nobody who develops a site would want that of a receiver that is not running.
"""

import base64
import hashlib
import json
import logging
import queue
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from . import accounts
from .database import Database
from .jwts import SigningKey
from .state import State

log = logging.getLogger(__name__)

_TRIES = 4
_PATIENCE = 0.5


class Webhooks:
    """The webhooks of one provider: their receivers and their queue. Thread-safe. `authority` is the certificate that https receivers are trusted by, in
    place of the public ones.
    """

    def __init__(
        self, database: Database, keys: SigningKey, state: State, url: str | None, authority: Path | None
    ) -> None:
        self._database = database
        self._keys = keys
        self._state = state
        self._url = url
        self._authority = authority
        self._collected = threading.local()
        self._queue: queue.Queue[tuple[list[dict[str, Any]], threading.Event] | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Around one request: what it announces is sent when it has ended."""
        self._collected.events = []
        yield
        events, url = self._collected.events, self._state.switches.webhook or self._url
        if not events or url is None:
            return
        with self._database.read() as db:
            home = db.execute("SELECT id FROM tenants").fetchone()["id"]
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="devidp-webhooks", daemon=True)
                self._thread.start()
        sent = threading.Event()
        self._queue.put(([{"url": url, "event": event | {"tenantId": home}} for event in events], sent))
        sent.wait(_PATIENCE)

    def discard(self) -> None:
        """Forget what this request has announced so far."""
        self._collected.events = []

    def close(self) -> None:
        """End the thread when it has sent what it has."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join()

    def token_revoked(self, row: sqlite3.Row) -> None:
        """Announce the end of one refresh token."""
        user_id, application_id = row["user_id"], row["application_id"]
        token = {"id": row["id"], "applicationId": application_id, "userId": user_id}
        token["metaData"] = json.loads(row["meta_data"])
        self._announce(
            "jwt.refresh-token.revoke", applicationId=application_id, userId=user_id, refreshToken=token
        )

    def tokens_revoked(self, user_id: str | None, application_id: str | None) -> None:
        """Announce the end of a user's, an application's or a user's tokens of an application."""
        named = {"userId": user_id, "applicationId": application_id}
        self._announce("jwt.refresh-token.revoke", **{key: value for key, value in named.items() if value})

    def refreshed(self, row: sqlite3.Row, presented: str, token: str) -> None:
        """Announce a refresh, with the live secrets that FusionAuth tells its receivers."""
        named = {"applicationId": row["application_id"], "userId": row["user_id"]}
        self._announce("jwt.refresh", **named, refreshToken=presented, token=token)

    def about_user(
        self, kind: str, db: sqlite3.Connection, user_id: str, registration: dict[str, Any] | None = None
    ) -> None:
        """Announce something that befell a user, or one of their registrations."""
        fields: dict[str, Any] = {"user": accounts.shown(db, accounts.existing_user(db, user_id))}
        if registration is not None:
            fields |= {"registration": registration, "applicationId": registration["applicationId"]}
        self._announce(kind, **fields)

    def about_group(self, kind: str, group: dict[str, Any], **fields: Any) -> None:
        """Announce something that befell a group; ``fields`` are the event's others, ``members`` or ``original``."""
        self._announce(kind, group=group, **fields)

    def _announce(self, kind: str, **fields: Any) -> None:
        frame = {"type": kind, "id": str(uuid.uuid4()), "createInstant": self._state.now()}
        self._collected.events.append(frame | fields)

    def _run(self) -> None:
        with requests.Session() as http:
            http.trust_env = False
            if self._authority is not None:
                http.verify = str(self._authority)
            while (batch := self._queue.get()) is not None:
                messages, sent = batch
                for message in messages:
                    self._send(http, message["url"], message["event"])
                sent.set()

    def _send(self, http: requests.Session, url: str, event: dict[str, Any]) -> None:
        body = json.dumps({"event": event}).encode()
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        headers = {
            "Content-Type": "application/json",
            "X-FusionAuth-Signature-JWT": self._keys.sign_body(digest),
        }
        parts = urlsplit(url)
        if (parts.hostname or "").endswith(".localhost"):
            # The resolver may not know such names; they are this machine's by definition (RFC 6761, 6.3).
            headers["Host"] = parts.netloc
            url = parts._replace(netloc=f"127.0.0.1:{parts.port or 80}").geturl()
        for _ in range(_TRIES):
            try:
                answer = http.post(url, data=body, headers=headers, timeout=(0.5, 2), allow_redirects=False)
            except requests.RequestException as error:
                log.warning("webhook not delivered: %s", type(error).__name__)
                continue
            if answer.ok:
                return
            log.warning("webhook refused: %s", answer.status_code)
