"""Make calls safe to retry: with an Idempotency-Key, the act is done once and its response is kept.

The key is claimed before the act. If the process dies after the commit, before the response is kept, the act is found by
the id of its request: the audit row has it, in the act's own transaction. A claim without a response and without an act
expires after LEASE seconds, longer than any act takes, and may be taken over. It is no queue (`core.queue`): nobody comes back
for a claim but the caller.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pyramid.httpexceptions import HTTPException
from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from ..api_tokens.tokens import Token
from ..core.database import Database, ResultRow
from ..core.rows import build
from ..operations import audit_queries
from ..operations.audit_queries import Made
from ..operations.json_documents import plain
from .problems import Problem

# Seconds. No transaction can still commit after so long: each of its statements is stopped after ten seconds.
LEASE = 120

_CLAIM = text(
    f"""INSERT INTO api_replays AS p (token_id, key_hash, body_hash, request_id, claimed_until)
    VALUES (:token_id, :key_hash, :body_hash, :request_id, clock_timestamp() + interval '{LEASE} seconds')
    ON CONFLICT (token_id, key_hash) DO NOTHING RETURNING request_id"""
)

_LOOK = text(
    """SELECT body_hash, request_id, status, answer,
      ceil(extract(epoch FROM claimed_until - clock_timestamp()))::int AS busy
    FROM api_replays WHERE token_id = :token_id AND key_hash = :key_hash"""
)

_TAKE_OVER = text(
    f"""UPDATE api_replays SET request_id = :request_id, claimed_until = clock_timestamp() + interval '{LEASE} seconds'
    WHERE token_id = :token_id AND key_hash = :key_hash AND request_id = :earlier AND status IS NULL
      AND claimed_until <= clock_timestamp() RETURNING request_id"""
)

_ANSWER = text(
    """UPDATE api_replays SET status = :status, answer = :answer
    WHERE token_id = :token_id AND key_hash = :key_hash AND status IS NULL"""
).bindparams(bindparam("answer", type_=JSONB))

_FORGET = text(
    """DELETE FROM api_replays WHERE token_id = :token_id AND key_hash = :key_hash AND request_id = :request_id
    AND status IS NULL"""
)


@dataclass(frozen=True)
class Outcome:
    """A status and a body. `replayed`: the response of an earlier call, for which nothing was done now."""

    status: int
    body: Any
    replayed: bool = False


@dataclass(frozen=True)
class _Claim:
    """The stored row of a key. `busy` is the time in seconds until the claim may be taken over; `status` and `answer` are
    None until the response is kept.
    """

    body_hash: bytes
    request_id: str
    status: int | None
    answer: Any
    busy: int

    @property
    def wait(self) -> int:
        """The seconds after which a retry is worth while. A call takes moments: wait as long as it has run already, but
        never beyond the instant at which its claim may be taken over.
        """
        return max(1, min(self.busy, LEASE - self.busy))


@dataclass(frozen=True)
class Key:
    """An Idempotency-Key of a token, with the request and the body that it came with."""

    db: Database
    token: Token
    request_id: str
    key: str
    body: Any

    def once(self, act: Callable[[], Outcome], receipt: Callable[[Made], Outcome]) -> Outcome:
        """Do the act unless it was done. `receipt` makes the response of an act from what it made.

        Raises Problem: 422 for a key that came with another body before, 409 while the first call is in progress; and
        the act's own errors, after which the call may be retried.
        """
        if not self._run(_CLAIM, body_hash=self._digest()):
            earlier = self._earlier()
            if earlier is not None:
                return self._again(earlier, act, receipt)
        return self._do(act)

    def _again(
        self, claim: _Claim, act: Callable[[], Outcome], receipt: Callable[[Made], Outcome]
    ) -> Outcome:
        if bytes(claim.body_hash) != self._digest():
            raise Problem("key-reused", "This Idempotency-Key was sent before with another body.")
        if claim.status is not None:
            return Outcome(claim.status, claim.answer, replayed=True)
        made = audit_queries.made_by_call(self.db, self.token.actor, claim.request_id)
        if made is not None:
            return replace(self._keep(receipt(made)), replayed=True)
        if not self._run(_TAKE_OVER, earlier=claim.request_id):
            wait = {"Retry-After": str(claim.wait)}
            detail = "The first call with this Idempotency-Key is still in progress."
            raise Problem("key-in-progress", detail, headers=wait)
        return self._do(act)

    def _do(self, act: Callable[[], Outcome]) -> Outcome:
        try:
            outcome = act()
        except (Problem, HTTPException):
            # Refused before anything was done. After any other error that is not certain, and the claim stays.
            self._run(_FORGET)
            raise
        return self._keep(outcome)

    def _keep(self, outcome: Outcome) -> Outcome:
        """Keep the response, unless another one was kept meanwhile: then return that one."""
        body = json.loads(json.dumps(outcome.body, default=plain))
        self._run(_ANSWER, status=outcome.status, answer=body)
        kept = self._earlier()
        return outcome if kept is None or kept.status is None else Outcome(kept.status, kept.answer)

    def _earlier(self) -> _Claim | None:
        rows = self._run(_LOOK)
        return build(_Claim, rows[0]) if rows else None

    def _run(self, statement: TextClause, **more: Any) -> list[ResultRow]:
        known = {"token_id": self.token.id, "key_hash": self._hash(), "request_id": self.request_id}
        return self.db.all(statement, **known, **more)

    def _hash(self) -> bytes:
        return hashlib.sha256(self.key.encode()).digest()

    def _digest(self) -> bytes:
        """Return the hash of the body's content, whatever its spelling."""
        return hashlib.sha256(json.dumps(self.body, sort_keys=True).encode()).digest()
