"""Telling others of the audit log: in its order, each endpoint at its own pace, at least once.

Only sealed rows are sent: they have one order for everybody and no gaps. A worker claims an endpoint's row by a lease,
commits, and then sends messages with no connection held. It writes the endpoint's position after each message. If the
worker dies, the next one sends the last message again, with the same `webhook-id`. Messages are signed as Standard
Webhooks says (standardwebhooks.com, 1.0).

An endpoint is not a row of a queue (`core/queue.py`): the audit log is the queue, and the row is a position in it that is
never done. So the lease has an id of its own, and failures are counted since the last success. The back-off is the same.
"""

import base64
import hashlib
import hmac
import json
import time
import uuid
from typing import Any
from uuid import UUID

import requests
import structlog
from sqlalchemy import text

from ..core import network_deadlines, outgoing_requests, queue
from ..core.causes import cause
from ..core.database import Database
from ..core.rows import build
from ..sessions.audit import SELECTED
from .events import SealedRow, message
from .settings import Endpoint

log = structlog.get_logger("shopforum")

# An endpoint is served for at most so many seconds at a time, then it is the next one's turn. The lease begins anew with
# each message, and outlasts the longest exchange of one.
_TURN = 10.0
_LEASE = 30
_STEP = 100
_TIMEOUTS = (3, 5)
_LONGEST = 10.0

# A new endpoint is sent what happens from now on.
_ENLIST = text(
    """INSERT INTO webhook_endpoints (name, seq, since) SELECT :name, seq, seq FROM audit_head
    ON CONFLICT (name) DO NOTHING"""
)

_CLAIM = text(
    f"""UPDATE webhook_endpoints SET lease = :lease, next_try_at = {queue.after(str(_LEASE))}
    WHERE name = :name AND next_try_at <= clock_timestamp()
      AND seq < (SELECT seq FROM audit_head) RETURNING seq"""
)

_DUE = text(f"SELECT seq, {SELECTED} FROM audit_log WHERE seq > :after AND seq <= :upto ORDER BY seq")

_SENT = text(
    f"""UPDATE webhook_endpoints SET seq = :seq, attempts = 0, last_error = NULL,
      next_try_at = {queue.after(str(_LEASE))},
      told_at = CASE WHEN :sent THEN clock_timestamp() ELSE told_at END
    WHERE name = :name AND lease = :lease AND seq < :seq RETURNING 1"""
)

_FAILED = text(
    f"""UPDATE webhook_endpoints SET attempts = attempts + 1, last_error = :error, lease = NULL,
      next_try_at = {queue.after_failures("attempts", longest_wait=300)}
    WHERE name = :name AND lease = :lease"""
)

_RELEASE = text(
    "UPDATE webhook_endpoints SET lease = NULL, next_try_at = clock_timestamp() WHERE name = :name AND lease = :lease"
)


def run_once(db: Database, endpoints: tuple[Endpoint, ...]) -> int:
    """Give each endpoint a turn that has messages to get and whose wait is over. Return how many messages were delivered.

    Safe to run in several processes at once.
    """
    return sum(_serve(db, endpoint) for endpoint in endpoints)


def _serve(db: Database, endpoint: Endpoint) -> int:
    db.all(_ENLIST, name=endpoint.name)
    lease, deadline = uuid.uuid4(), time.monotonic() + _TURN
    claimed = db.one(_CLAIM, name=endpoint.name, lease=lease)
    if claimed is None:
        return 0
    delivered, seq = 0, claimed["seq"]
    with outgoing_requests.sender() as http:
        while time.monotonic() < deadline and (rows := _due(db, seq)):
            for row in rows:
                wanted = row.event in endpoint.events
                if wanted and (error := _send(http, endpoint, row)):
                    log.warning("webhook.failed", endpoint=endpoint.name, seq=row.seq, why=error)
                    db.all(_FAILED, name=endpoint.name, lease=lease, error=error)
                    return delivered
                if (wanted or row is rows[-1]) and not _advance(db, endpoint, lease, row.seq, sent=wanted):
                    return delivered
                delivered, seq = delivered + wanted, row.seq
                if time.monotonic() >= deadline:
                    break
    db.all(_RELEASE, name=endpoint.name, lease=lease)
    return delivered


def _due(db: Database, after: int) -> list[SealedRow]:
    return [build(SealedRow, row) for row in db.all(_DUE, after=after, upto=after + _STEP)]


def _advance(db: Database, endpoint: Endpoint, lease: UUID, seq: int, *, sent: bool) -> bool:
    """Write the endpoint's new position, and renew the lease. Return False if another worker has the endpoint now."""
    return db.one(_SENT, name=endpoint.name, lease=lease, seq=seq, sent=sent) is not None


def _send(http: requests.Session, endpoint: Endpoint, row: SealedRow) -> str:
    """Deliver one message. Return the error, or "". Redirects are not followed: they are for browsers."""
    body = json.dumps(message(row), separators=(",", ":")).encode()
    message_id, at = f"msg_{row.seq}", str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "shopforum",
        "webhook-id": message_id,
        "webhook-timestamp": at,
        "webhook-signature": signature(endpoint.secrets, message_id, at, body),
    }
    options: dict[str, Any] = {"timeout": _TIMEOUTS, "allow_redirects": False, "stream": True}
    try:
        # The body of the response is not read: it may be endless.
        with (
            network_deadlines.ended_after(_LONGEST),
            http.post(endpoint.url, data=body, headers=headers, **options) as response,
        ):
            return "" if 200 <= response.status_code < 300 else f"answered {response.status_code}"
    except requests.RequestException as error:
        return cause(error)


def signature(secrets: tuple[bytes, ...], message_id: str, at: str, body: bytes) -> str:
    """Return the header `webhook-signature`: one signature for each secret, so that a receiver can change its secret."""
    content = f"{message_id}.{at}.".encode() + body
    macs = (hmac.digest(secret, content, hashlib.sha256) for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in macs)
