"""The running provider's state in memory: switches, faults, calls, the clock, short-lived codes.

All of it is lost with the process, as it should be: an interrupted two-factor login starts again.
"""

import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

_CALLS_KEPT = 10_000
_CHALLENGES_KEPT = 10_000


@dataclass
class Fault:
    """An answer that replaces the real one for the next ``times`` calls of a path or everything below it."""

    path: str
    method: str | None
    times: int
    status: int | None
    body: bytes
    content_type: str | None
    headers: dict[str, str]
    delay: float
    drop: bool

    def matches(self, method: str, path: str) -> bool:
        """Return whether a call falls under this fault: the same path, or one that begins with it."""
        return self.method in (None, method) and path.startswith(self.path)


@dataclass
class Challenge:
    """Something short-lived that stands for a user: a two-factor login, a password change."""

    id: str
    kind: str
    user_id: str
    expires: int
    data: dict[str, Any]
    code: str = ""


@dataclass(frozen=True)
class Lambda:
    """The effect of a customer's lambdas: ``claims`` are added to each JWT or replace what is there, ``without`` are removed;
    ``refusal`` is the code with which a login is refused whose password was right.
    """

    claims: dict[str, Any]
    without: tuple[str, ...]
    refusal: str | None


@dataclass
class Switches:
    """The switches of the test hooks; ``policy`` lies over the stored policies, by application or for all."""

    legacy_404: bool = False
    lenient_null: bool = False
    clock_offset: int = 0
    webhook: str | None = None
    policy: dict[str | None, dict[str, Any]] = field(default_factory=dict)
    # Customers' lambdas, by application or for all.
    lambdas: dict[str | None, "Lambda"] = field(default_factory=dict)


class State:
    """The memory of one provider; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._calls: deque[dict[str, str]] = deque(maxlen=_CALLS_KEPT)
        self._faults: list[Fault] = []
        self._challenges: dict[str, Challenge] = {}
        self.switches = Switches()

    def now(self) -> int:
        """The provider's own time: milliseconds since the epoch, UTC, moved by the ``advance`` hook."""
        return int(time.time() * 1000) + self.switches.clock_offset

    def advance(self, milliseconds: int) -> int:
        """Move the clock and return the new time."""
        with self._lock:
            self.switches.clock_offset += milliseconds
        return self.now()

    def record(self, method: str, path: str, query: str) -> None:
        """Remember a call; the query, if any, has its secrets removed by the caller."""
        call = {"method": method, "path": path}
        if query:
            call["query"] = query
        with self._lock:
            self._calls.append(call)

    def calls(self) -> list[dict[str, str]]:
        """The calls since the last clearing, oldest first."""
        with self._lock:
            return list(self._calls)

    def clear_calls(self) -> None:
        """Forget the calls."""
        with self._lock:
            self._calls.clear()

    def set_fault(self, fault: Fault) -> None:
        """Replace the fault of this path and method; ``times`` 0 only clears it."""
        with self._lock:
            self._faults = [
                old for old in self._faults if (old.path, old.method) != (fault.path, fault.method)
            ]
            if fault.times:
                self._faults.append(fault)
                # The most specific path wins, so that /api and /api/login can both be set.
                self._faults.sort(key=lambda one: (len(one.path), one.method is not None), reverse=True)

    def take_fault(self, method: str, path: str) -> Fault | None:
        """The fault for a call, counted down; None when there is none."""
        with self._lock:
            for fault in self._faults:
                if fault.matches(method, path):
                    fault.times -= 1
                    if not fault.times:
                        self._faults.remove(fault)
                    return fault
        return None

    def pause(self, seconds: float) -> None:
        """Wait, unless the hooks are reset or the server stops meanwhile."""
        self._wake.wait(seconds)

    def reset(self) -> None:
        """Clear everything, as if freshly started; wake what waits."""
        with self._lock:
            self._faults.clear()
            self._calls.clear()
            self._challenges.clear()
            self.switches = Switches()
            self._wake.set()
            self._wake = threading.Event()

    def challenge(
        self, kind: str, user_id: str, seconds: int, data: dict[str, Any] | None = None, code: str = ""
    ) -> Challenge:
        """Create a challenge with an unguessable id that lives for ``seconds``."""
        made = Challenge(
            secrets.token_urlsafe(32), kind, user_id, self.now() + seconds * 1000, data or {}, code
        )
        with self._lock:
            # The oldest come first; what is dropped here would nearly always have ended anyway.
            while len(self._challenges) >= _CHALLENGES_KEPT:
                del self._challenges[next(iter(self._challenges))]
            self._challenges[made.id] = made
        return made

    def find_challenge(self, kind: str, challenge_id: str | None) -> Challenge | None:
        """A challenge that is still alive."""
        with self._lock:
            found = self._challenges.get(challenge_id or "")
        return found if found and found.kind == kind and found.expires >= self.now() else None

    def take_challenge(self, kind: str, challenge_id: str | None) -> Challenge | None:
        """A live challenge, spent by this call: of several simultaneous callers one gets it."""
        found = self.find_challenge(kind, challenge_id)
        with self._lock:
            return self._challenges.pop(found.id, None) if found else None

    def challenges(self, kind: str) -> list[Challenge]:
        """All live challenges of a kind, oldest first."""
        now = self.now()
        with self._lock:
            return [one for one in self._challenges.values() if one.kind == kind and one.expires >= now]

    def drop_challenges(self, kind: str, user_id: str) -> None:
        """End a user's challenges of a kind."""
        with self._lock:
            for key in [k for k, c in self._challenges.items() if c.kind == kind and c.user_id == user_id]:
                del self._challenges[key]
