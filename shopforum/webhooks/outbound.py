"""Telling others of the audit log: in its order, each endpoint at its own pace, at least once.

Only sealed rows are told: they have one order for everybody and no gaps. A row of `webhook_endpoints` is claimed by a
lease, committed, and then the endpoint is told with no connection held; how far it got is written after each message.
Whoever dies in between leaves the last message to be sent again, with the same `webhook-id`. Signed as Standard
Webhooks has it (standardwebhooks.com, 1.0).
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
from sqlalchemy import RowMapping, text

from ..core.database import Database
from ..sessions.audit import SELECTED
from .events import message
from .settings import Endpoint

# An endpoint is told for at most so many seconds on end, then it is the others' turn. The lease begins anew with each
# message, and outlasts its time-outs.
_TURN = 10.0
_LEASE = 30
_STEP = 100
LONGEST_WAIT = 300
_TIMEOUTS = (3, 5)

# A new endpoint is told of what happens from now on.
_ENLIST = text(
    """INSERT INTO webhook_endpoints (name, seq, since) SELECT :name, seq, seq FROM audit_head
    ON CONFLICT (name) DO NOTHING"""
)

_CLAIM = text(
    """UPDATE webhook_endpoints SET lease = :lease, next_try_at = clock_timestamp() + :seconds * interval '1 second'
    WHERE name = :name AND next_try_at <= clock_timestamp()
      AND seq < (SELECT seq FROM audit_head) RETURNING seq"""
)

_DUE = text(f"SELECT seq, {SELECTED} FROM audit_log WHERE seq > :after AND seq <= :upto ORDER BY seq")

_TOLD = text(
    """UPDATE webhook_endpoints SET seq = :seq, attempts = 0, last_error = NULL,
      next_try_at = clock_timestamp() + :seconds * interval '1 second',
      told_at = CASE WHEN :told THEN clock_timestamp() ELSE told_at END
    WHERE name = :name AND lease = :lease AND seq < :seq RETURNING 1"""
)

_FAILED = text(
    """UPDATE webhook_endpoints SET attempts = attempts + 1, last_error = :error, lease = NULL,
      next_try_at = clock_timestamp() + least(:longest, power(2, least(attempts, 20))) * interval '1 second'
    WHERE name = :name AND lease = :lease"""
)

_RELEASE = text(
    "UPDATE webhook_endpoints SET lease = NULL, next_try_at = clock_timestamp() WHERE name = :name AND lease = :lease"
)


def run_once(db: Database, endpoints: tuple[Endpoint, ...]) -> int:
    """Give each endpoint a turn, where it has something to be told and its wait is over; returns how many messages
    were delivered. Safe to run in several processes at once.
    """
    return sum(_tell(db, endpoint) for endpoint in endpoints)


def _tell(db: Database, endpoint: Endpoint) -> int:
    db.all(_ENLIST, name=endpoint.name)
    lease, deadline = uuid.uuid4(), time.monotonic() + _TURN
    claimed = db.one(_CLAIM, name=endpoint.name, lease=lease, seconds=_LEASE)
    if claimed is None:
        return 0
    told, seq = 0, claimed["seq"]
    with requests.Session() as http:
        http.trust_env = False
        while time.monotonic() < deadline and (rows := db.all(_DUE, after=seq, upto=seq + _STEP)):
            for row in rows:
                wanted = row["event"] in endpoint.events
                if wanted and (error := _send(http, endpoint, row)):
                    db.all(_FAILED, name=endpoint.name, lease=lease, error=error, longest=LONGEST_WAIT)
                    return told
                if (wanted or row is rows[-1]) and not _note(db, endpoint, lease, row["seq"], told=wanted):
                    return told
                told, seq = told + wanted, row["seq"]
                if time.monotonic() >= deadline:
                    break
    db.all(_RELEASE, name=endpoint.name, lease=lease)
    return told


def _note(db: Database, endpoint: Endpoint, lease: UUID, seq: int, *, told: bool) -> bool:
    """Write how far the endpoint has been told, and renew the lease. False where it has passed to another worker."""
    return db.one(_TOLD, name=endpoint.name, lease=lease, seq=seq, told=told, seconds=_LEASE) is not None


def _send(http: requests.Session, endpoint: Endpoint, row: RowMapping) -> str:
    """Deliver one message; returns what was wrong, or nothing. Redirects are not followed: they are for browsers."""
    body = json.dumps(message(row), separators=(",", ":")).encode()
    message_id, at = f"msg_{row['seq']}", str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "shopforum",
        "webhook-id": message_id,
        "webhook-timestamp": at,
        "webhook-signature": signature(endpoint.secrets, message_id, at, body),
    }
    options: dict[str, Any] = {"timeout": _TIMEOUTS, "allow_redirects": False, "stream": True}
    try:
        # The answer's body is of no interest, and may be endless.
        with http.post(endpoint.url, data=body, headers=headers, **options) as answer:
            return "" if 200 <= answer.status_code < 300 else f"answered {answer.status_code}"
    except requests.RequestException as error:
        return type(error).__name__


def signature(secrets: tuple[bytes, ...], message_id: str, at: str, body: bytes) -> str:
    """The header `webhook-signature`: one signature for each secret, so that a receiver can change over."""
    content = f"{message_id}.{at}.".encode() + body
    macs = (hmac.digest(secret, content, hashlib.sha256) for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in macs)
