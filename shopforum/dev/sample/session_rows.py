"""The parts of the sample sessions: browsers, addresses, people, and the rows on their way to the tables."""

import ipaddress
import random
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Table

from shopforum.sessions import tables

_WINDOWS, _MAC, _LINUX = (
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10_15_7",
    "X11; Linux x86_64",
)
_KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0"
AGENTS = (
    *(f"Mozilla/5.0 ({system}) {_KHTML} Chrome/{n}.0.0.0 Safari/537.36" for system in (_WINDOWS, _MAC, _LINUX) for n in (146, 147)),
    *(f"Mozilla/5.0 ({system}; rv:{n}.0) Gecko/20100101 Firefox/{n}.0" for system in (_WINDOWS, _LINUX) for n in (140, 144)),
    f"Mozilla/5.0 ({_WINDOWS}) {_KHTML} Chrome/147.0.0.0 Safari/537.36 Edg/147.0.0.0",
    f"Mozilla/5.0 ({_MAC}) {_SAFARI} Safari/605.1.15",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {_SAFARI} Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) {_SAFARI} Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (Linux; Android 10; K) {_KHTML} Chrome/141.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 14; SM-S921B) {_KHTML} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
)  # fmt: skip
# The browsers of these sessions that hold a key of the device: Chromium from version 146 on, on Windows.
BINDING = tuple(agent for agent in AGENTS if _WINDOWS in agent and "Chrome" in agent)
THIEVES = ("curl/8.14.1", "python-requests/2.32.4", f"Mozilla/5.0 ({_LINUX}) {_KHTML} HeadlessChrome/141.0.0.0 Safari/537.36")  # fmt: skip
HOMES = tuple(ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "2001:db8::/32"))
AWAY = ipaddress.ip_network("203.0.113.0/25")


@dataclass
class Seed:
    """The rows to be, by table, and the dice. `now` is the database's."""

    random: random.Random
    now: datetime
    rows: dict[Table, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: Table, **values: Any) -> None:
        """A row."""
        self.rows.setdefault(table, []).append(values)

    def uuid(self) -> UUID:
        """A new id."""
        return uuid.UUID(int=self.random.getrandbits(128), version=4)

    def between(self, start: datetime, end: datetime) -> datetime:
        """Some instant from start to end."""
        return start + (end - start) * self.random.random()

    def address(self, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
        """Some address of a network."""
        return str(network[self.random.randrange(1, min(network.num_addresses, 1 << 40) - 1)])

    def elsewhere(self, address: str) -> str:
        """Some address at another of the networks that people come from."""
        here = ipaddress.ip_address(address)
        return self.address(self.random.choice([network for network in HOMES if here not in network]))

    def audit(self, at: datetime, event: str, site: str, entity: str, **values: Any) -> None:
        """Add a row of the audit log."""
        unknown = dict.fromkeys(("user_id", "session_id", "revocation_id", "address"))
        row = unknown | {
            "actor": "",
            "agent": "",
            "detail": {},
            "request_id": f"{self.random.getrandbits(64):016x}",
        }
        told = {"at": at, "event": event, "site": site, "initiating_entity": entity}
        self.add(tables.audit_log, **(row | told | values))


@dataclass(frozen=True)
class Person:
    """Somebody with the places, pairs of address and browser, from which they come."""

    id: UUID
    name: str
    email: str
    places: list[tuple[str, str]]


def revoke(
    made: Seed,
    rows: list[dict[str, Any]],
    at: datetime,
    event: str,
    why: tuple[str, str, str],
    *,
    user_id: UUID | None = None,
    typed: str = "",
    tries: int = 1,
    detail: dict[str, Any] | None = None,
) -> UUID:
    """A revocation of these sessions, with the row of the audit log and what the identity provider was told: all of it has
    been confirmed, at the last of `tries`. `detail` is added to that of the audit row.
    """
    entity, actor, code = why
    revocation_id, scope = made.uuid(), "user" if user_id else "filter" if typed else "session"
    note = f"INC-{made.random.randrange(1000, 9999)}" if entity == "admin" else ""
    made.add(
        tables.revocations,
        id=revocation_id,
        created_at=at,
        scope=scope,
        user_id=user_id,
        typed=typed,
        initiating_entity=entity,
        actor=actor,
        reason_code=code,
        reason_admin=note,
        matched=len(rows),
        marked_at=at,
    )
    # After 1, 2, 4 … seconds.
    waited = timedelta(seconds=2 ** (tries - 1) - 1, milliseconds=made.random.randrange(40, 900))
    for row in rows:
        row |= {"ended_at": at, "end_reason": code, "revocation_id": revocation_id}
        made.add(
            tables.outbox,
            revocation_id=revocation_id,
            site=row["site"],
            user_id=row["user_id"],
            refresh_token_id=row["refresh_token_id"],
            created_at=at,
            attempts=tries,
            next_try_at=at + waited,
            done_at=at + waited,
        )
    made.audit(
        at,
        event,
        rows[0]["site"] if len({row["site"] for row in rows}) == 1 else "all",
        entity,
        actor=actor,
        user_id=user_id or (rows[0]["user_id"] if len(rows) == 1 else None),
        session_id=rows[0]["id"] if len(rows) == 1 else None,
        revocation_id=revocation_id,
        address="192.0.2.10" if entity == "admin" else rows[0]["address"],
        detail={
            "scope": scope,
            "sessions": [str(row["id"]) for row in rows] if not user_id else [],
            "count": len(rows),
            "reason": code,
            "reason_admin": note,
            "reason_user": "",
            **({"typed": typed} if typed else {}),
            **(detail or {}),
        },
    )
    return revocation_id
