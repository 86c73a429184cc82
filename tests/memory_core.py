"""The session core in memory: one session at a time, moved by the rules that run, without a database.

`next_step` and `after_take_over` are the sites' own. The writes of `sessions/records.py` are repeated here,
so that thousands of sessions can be played in seconds. `sessions/test_memory_core.py` holds the two together: any history
is played on both, and every answer and every row is compared. Requests come one after the other.
"""

import uuid
from dataclasses import dataclass
from itertools import count
from types import SimpleNamespace
from typing import Any

from session_fixtures import OWNER, Provider

from shopforum.sessions import RefreshRefused, Session
from shopforum.sessions.audit import Client
from shopforum.sessions.config import Config
from shopforum.sessions.model import Outcome, Pair, SessionBusy
from shopforum.sessions.risk_signals import is_elsewhere
from shopforum.sessions.rotation import Facts, Step, after_take_over, next_step


@dataclass
class Stored:
    """A pair as `session_credentials` has it."""

    n: int
    parent: int
    refresh_token: str | None
    seen: bool = False
    replaced_at: float | None = None


class MemoryCore:
    """As `SessionCore`, as far as one session's requests are concerned; `clock.seconds` is the time."""

    def __init__(self, config: Config, provider: Provider, clock: Any) -> None:
        self.sessions = SimpleNamespace(config=config)
        self.config, self.provider, self.clock = config, provider, clock
        self.numbers = count()

    def log_in(self, name: str = "ann", client: Client = OWNER) -> tuple[Pair, Outcome]:
        user_id, now = uuid.uuid4(), self.clock.seconds
        token, _ = self.provider.issue(user_id)
        self.session = Session(
            uuid.uuid4(), "store", user_id, name, "", frozenset(), 0, 0, self.config.absolute
        )
        self.pairs: dict[str | None, Stored] = {}
        self.head, self.head_parent, self.issued, self.unshown = 1, 0, 0, 0
        self.head_since = self.last_seen = now
        self.due_at = now + self.config.rotate_every
        self.absolute_end = now + self.config.absolute
        self.idle_end = now + self.config.idle
        self.place = (client.address, client.agent)
        self.ended: str | None = None
        self.quarantined = False
        pair = self._new_pair(0, token)
        self.pairs[pair.session_id].seen = True
        return pair, Outcome(self.session, issue=pair)

    def facts(self, pair: Pair, client: Client = OWNER) -> Facts | None:
        """The facts that the rules go by. None for an unknown pair, and after the absolute end."""
        stored, now = self.pairs.get(pair.session_id), self.clock.seconds
        if stored is None or self.absolute_end <= now:
            return None
        return Facts(
            head=self.head,
            head_parent=self.head_parent,
            head_age=now - self.head_since,
            head_used_for=self.last_seen - self.head_since,
            due_in=self.due_at - now,
            unshown=self.unshown,
            active=self.idle_end > now,
            n=stored.n,
            parent=stored.parent,
            seen=stored.seen,
            replaced_age=None if stored.replaced_at is None else now - stored.replaced_at,
            elsewhere=is_elsewhere(*self.place, client),
        )

    def resume(self, pair: Pair, client: Client = OWNER, *, touch: bool = True) -> Outcome:
        facts, timing = self.facts(pair, client), self.config.timing
        if facts is None:
            return Outcome(ended="expired" if pair.session_id in self.pairs else None)
        if self.ended:
            return Outcome(ended=self.ended)
        step = next_step(facts, timing, quiet=not touch)
        if step is Step.END:
            return self._end("replayed")
        if self.quarantined:
            return Outcome(ended="quarantined")
        if step is Step.TAKE_OVER:
            self._take_over(facts)
            facts = after_take_over(facts, timing)
            step = next_step(facts, timing, quiet=not touch)
        if step is Step.QUARANTINE:
            self.quarantined = True
            return Outcome(ended="quarantined")
        if step is Step.WAIT or (step is Step.REFRESH and not touch):
            raise SessionBusy
        if step is Step.REFRESH:
            return self._refresh(pair, client)
        if facts.n == self.head and touch:
            self._note_use(client)
        if step is Step.SERVE:
            return Outcome(self.session)
        if self.unshown and self._newest().refresh_token != pair.refresh_token:
            # The answer to a refresh got lost: the provider repeats it, for a while.
            try:
                return self._renew(pair, client)
            except RefreshRefused:
                pass
        return self._hand_out(pair.refresh_token, timing.retry)

    def _new_pair(self, parent: int, token: str | None) -> Pair:
        self.issued += 1
        pair = Pair(f"session {next(self.numbers)}", token)
        self.pairs[pair.session_id] = Stored(self.issued, parent, token)
        return pair

    def _newest(self) -> Stored:
        return next(pair for pair in self.pairs.values() if pair.n == self.issued)

    def _take_over(self, facts: Facts) -> None:
        now = self.clock.seconds
        for stored in self.pairs.values():
            if stored.n == self.head:
                stored.replaced_at = now
            elif stored.n == facts.n:
                stored.seen = True
        self.head, self.head_parent, self.head_since, self.unshown = facts.n, facts.parent, now, 0
        self.due_at, self.last_seen = now + self.config.rotate_every, now
        if facts.active:
            self._extend()

    def _note_use(self, client: Client) -> None:
        place, now = (client.address, client.agent), self.clock.seconds
        if place != self.place or self.last_seen < now - self.config.touch_every:
            self.place, self.last_seen = place, now
            self._extend()

    def _extend(self) -> None:
        self.idle_end = min(self.clock.seconds + self.config.idle, self.absolute_end)

    def _refresh(self, pair: Pair, client: Client) -> Outcome:
        try:
            return self._renew(pair, client)
        except RefreshRefused:
            self.ended = "refresh_refused"
            return Outcome(ended="expired", spent=True)

    def _renew(self, pair: Pair, client: Client) -> Outcome:
        assert pair.refresh_token is not None
        answer, timing = self.provider.refresh(pair.refresh_token, self.session.user_id), self.config.timing
        self.place, self.last_seen = (client.address, client.agent), self.clock.seconds
        self._extend()
        lost = answer.refresh_token != pair.refresh_token
        return self._hand_out(answer.refresh_token, timing.retry_lost if lost else timing.retry)

    def _hand_out(self, token: str | None, retry: float) -> Outcome:
        self.unshown += 1
        self.due_at = self.clock.seconds + retry
        return Outcome(self.session, issue=self._new_pair(self.head, token))

    def _end(self, why: str) -> Outcome:
        self.ended = why
        return Outcome(ended=why)
