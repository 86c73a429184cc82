"""Fixtures for tests of the session core: a test authority, the core over the real database, and races."""

import secrets
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import row_order
from clocks import age, idle_out, pass_time

from shopforum.sessions import (
    AuthorityUnavailable,
    Login,
    Reason,
    Refreshed,
    RefreshRefused,
    Rule,
    Session,
    Sessions,
)
from shopforum.sessions.audit import Client
from shopforum.sessions.model import Outcome, Pair
from shopforum.sessions.rotation import Facts

SECRET = "core-tests-0123456789-0123456789-0123456789"
OWNER = Client("192.0.2.10", "Firefox of the owner", "request-1")
THIEF = Client("203.0.113.66", "Chrome of the thief", "request-2")


_FACTS = """SELECT s.head, s.head_parent, s.head_since, s.last_seen_at, s.due_at, s.unshown, s.idle_end, s.absolute_end,
    s.last_agent, c.number, c.parent, c.seen_at, c.replaced_at, clock_timestamp() AS now
  FROM session_credentials c JOIN sessions s ON s.id = c.session_id WHERE c.session_hash = :digest"""


class Provider:
    """An authority that keeps its tokens in memory and can be told to be slow, away or wrong."""

    def __init__(self) -> None:
        self.live: dict[str, tuple[uuid.UUID, uuid.UUID]] = {}
        self.refreshes: list[str] = []
        self.revoked: list[dict[str, Any]] = []
        self.away = False
        self.one_time = False
        # The token for which each one-time token was exchanged, while the provider's grace lasts.
        self.exchanged: dict[str, str] = {}
        self.grace = True
        self.before_answer: Callable[[], None] = lambda: None
        # Roles by user; None for an account that is closed.
        self.told_roles: dict[uuid.UUID, tuple[str, ...] | None] = {}
        self.asked_roles = 0
        self._lock = threading.Lock()

    def issue(self, user_id: uuid.UUID) -> tuple[str, uuid.UUID]:
        token, token_id = secrets.token_urlsafe(24), uuid.uuid4()
        self.live[token] = (token_id, user_id)
        return token, token_id

    def refresh(
        self, refresh_token: str, user_id: uuid.UUID | None = None, client: Client | None = None
    ) -> Refreshed:
        with self._lock:
            self.refreshes.append(refresh_token)
        if self.away:
            raise AuthorityUnavailable("away")
        if self.grace and refresh_token in self.exchanged:
            while refresh_token in self.exchanged:
                refresh_token = self.exchanged[refresh_token]
            if refresh_token not in self.live:
                raise RefreshRefused
            return Refreshed(refresh_token, *self.live[refresh_token], roles=("shopper",))
        found = self.live.get(refresh_token)
        self.before_answer()
        if found is None:
            raise RefreshRefused
        token = refresh_token
        with self._lock:
            # Revoked while it was being answered: the answer stands, and is worth nothing.
            if self.one_time and self.live.pop(refresh_token, None):
                token = secrets.token_urlsafe(24)
                self.live[token] = found
                self.exchanged[refresh_token] = token
        return Refreshed(token, *found, roles=("shopper",))

    def roles(self, user_id: uuid.UUID) -> tuple[str, ...] | None:
        self.asked_roles += 1
        if self.away:
            raise AuthorityUnavailable("away")
        self.before_answer()
        return self.told_roles.get(user_id, ("shopper",))

    def revoke(self, site: str, *, refresh_token_id: uuid.UUID | None, user_id: uuid.UUID | None) -> None:
        if self.away:
            raise AuthorityUnavailable("away")
        self.revoked.append({"site": site, "token": refresh_token_id, "user": user_id})
        with self._lock:
            if refresh_token_id is None and user_id is not None:
                self.live = {t: v for t, v in self.live.items() if v[1] != user_id}
            else:
                self.live = {
                    t: v
                    for t, v in self.live.items()
                    if refresh_token_id is not None and v[0] != refresh_token_id
                }


@dataclass
class SessionCore:
    """The sessions of one site under test."""

    sessions: Sessions
    provider: Provider
    users: dict[str, uuid.UUID] = field(default_factory=dict)

    def log_in(
        self,
        name: str = "ann",
        client: Client = OWNER,
        *,
        since: Any = None,
        replaced: uuid.UUID | None = None,
        login_form: bytes | None = None,
    ) -> tuple[Pair, Outcome]:
        """Somebody signs in; returns the pair of cookies and the outcome. `since` is when the login began,
        `replaced` the session that the browser had until now, `login_form` what it held when it sent the form.
        """
        user_id = self.users.setdefault(name, uuid.uuid4())
        token, token_id = self.provider.issue(user_id)
        login = Login(
            user_id,
            name.title(),
            f"{name}@example.com",
            ("shopper",),
            token,
            token_id,
            since or self.sessions.login_start(),
        )
        outcome = self.sessions.start(login, client, replaced, login_form)
        assert outcome.issue is not None
        return outcome.issue, outcome

    def resume(self, pair: Pair, client: Client = OWNER, **options: Any) -> Outcome:
        return self.sessions.resume(pair, client, **options)

    def sql(self, statement: str, **values: Any) -> list[Any]:
        return row_order.run(self.sessions.db, statement, values)

    def rows(self) -> list[Any]:
        """All rows of sessions that a request could change."""
        return [self.sql(f"SELECT * FROM {table}") for table in ("sessions", "session_credentials")]

    def let_idle(self) -> None:
        """Every session idles out now."""
        idle_out(self.sessions.db)

    def pass_grace(self) -> None:
        """A little more than the grace goes by."""
        self.pass_time(61)

    def pass_time(self, seconds: float) -> None:
        """Time goes by for every rule alike."""
        pass_time(self.sessions.db, seconds)

    def age(self, column: str, seconds: float, where: str = "true", **values: Any) -> None:
        """One column grows older, and no other."""
        age(self.sessions.db, column, seconds, where, **values)

    def make_rotation_due(self) -> None:
        self.sql("UPDATE sessions SET due_at = now()")

    def facts(self, pair: Pair, client: Client = OWNER) -> Facts | None:
        """The facts that the rules of rotation go by, read by another statement than the core's. None for a pair that was never
        handed out, or whose session's time is over. Clients have either all in common or nothing.
        """
        if pair.session_id is None:
            return None
        found = self.sql(_FACTS, digest=self.sessions.context.credential(pair).session_hash)
        if not found or found[0]["absolute_end"] <= found[0]["now"]:
            return None
        [row] = found
        now, replaced = row["now"], row["replaced_at"]
        return Facts(
            head=row["head"],
            head_parent=row["head_parent"],
            head_age=(now - row["head_since"]).total_seconds(),
            head_used_for=(row["last_seen_at"] - row["head_since"]).total_seconds(),
            due_in=(row["due_at"] - now).total_seconds(),
            unshown=row["unshown"],
            active=row["idle_end"] > now,
            n=row["number"],
            parent=row["parent"],
            seen=row["seen_at"] is not None,
            replaced_age=(now - replaced).total_seconds() if replaced else None,
            elsewhere=row["last_agent"] != client.agent,
        )

    def events(self) -> list[str]:
        return [row["event"] for row in self.sql("SELECT event FROM audit_log ORDER BY id")]

    def flags(self) -> dict[str, int]:
        return {row["kind"]: row["count"] for row in self.sql("SELECT kind, count FROM session_flags")}


def withhold(core: SessionCore, session: Session, how: str) -> Callable[[], object]:
    """Put a session into quarantine, or refuse its browser's network by a deny rule; returns the act that undoes it."""
    why = Reason("admin", "carol", "suspected_theft")
    if how == "quarantined":
        core.sessions.quarantine([session.id], why, OWNER)
        return lambda: core.sessions.release([session.id], why, OWNER)
    rule = core.sessions.add_rule(Rule(seconds=3600, network=OWNER.address), why, OWNER)
    return lambda: core.sessions.lift_rule(rule, "carol", OWNER)


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Run all acts at the same time, each in a thread, and return what they returned or raised."""
    results: list[Any] = [None] * len(acts)
    barrier = threading.Barrier(len(acts))

    def run(position: int) -> None:
        barrier.wait()
        try:
            results[position] = acts[position]()
        except Exception as error:  # noqa: BLE001 - handed to the test, which says what it expects
            results[position] = error

    threads = [threading.Thread(target=run, args=(position,)) for position in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
