"""Deny rules: they refuse logins and sessions for a while, so that a revoked session does not come back by a new login.

A rule names a user, a network, words of a browser's name (`user_agents.py`), a site, or several of these. A client that
matches all of them is refused at the login, at a refresh and at every page. A rule ends nothing: the revocation beside it
does. When the rule runs out or is lifted, sessions that were not ended go on. `live.matching_rule` is the condition. The
table is called `standing_rules`.
"""

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from ..core import addresses, user_agents
from ..core.database import Database, once_more
from . import audit, reach
from .audit import Client, Event
from .live import RULE_IN_FORCE, matching_rule
from .model import Reason
from .reach import Claim, Limit
from .vocabulary import EventName, InitiatingEntity

# Seconds: a year. A forgotten rule should run out by itself.
LONGEST = 366 * 86400

# Asked before a password the user is not known yet, so rules that name a user do not match.
_REFUSED = text(matching_rule(user="CAST(:user_id AS uuid)", site=":site"))

# A flood of refused requests writes to one row at most once a second.
_HIT = text(
    """UPDATE standing_rules SET hits = hits + 1, last_hit_at = clock_timestamp()
    WHERE id = :id AND (last_hit_at IS NULL OR last_hit_at < clock_timestamp() - interval '1 second')"""
)

_ADD = text(
    """INSERT INTO standing_rules (until, user_id, site, network, device, actor, reason_code, reason_admin, reason_user,
      revocation_id)
    VALUES (clock_timestamp() + :seconds * interval '1 second', :user_id, :site, CAST(:network AS cidr), :device,
      :actor, :code, :admin, :user, :revocation_id) RETURNING id"""
)

_LIFT = text(
    f"""UPDATE standing_rules r SET lifted_at = clock_timestamp(), lifted_by = :actor
    WHERE r.id = :id AND {RULE_IN_FORCE} RETURNING r.id, r.user_id, r.site"""
)


# Of two rules that are made at the same time the second waits for the first: of two admins who make rules against each
# other, the second is refused before the own rule is in force.
LOCK_RULES = text("SELECT pg_advisory_xact_lock(7305441239)")


class ShutOut(Exception):
    """A deny rule, the new one or another, refuses the admin who makes the new one. Nothing was changed."""


class SignInBlocked(Exception):
    """A deny rule refuses the login, whether the password is right or not."""


@dataclass(frozen=True)
class Rule:
    """A deny rule: what is refused, and for how many seconds. A request that matches all given fields is refused.

    `network` is an address or a CIDR block, stored in its canonical spelling. `device` holds words that name a browser
    (`user_agents.means`). Raises ValueError without a user, a network or a device, and for a time or a network that is
    not valid.
    """

    seconds: float
    user_id: UUID | None = None
    site: str | None = None
    network: str | None = None
    device: str = ""

    def __post_init__(self) -> None:
        if not (self.user_id or self.network or self.words):
            raise ValueError("a rule names a user, a network or a device")
        if not 0 < self.seconds <= LONGEST:
            raise ValueError("a rule lasts between a second and a year")
        if self.network:
            object.__setattr__(self, "network", str(addresses.network(self.network, strict=True)))

    @property
    def words(self) -> list[str]:
        """The words of the device, in the spelling in which they are compared."""
        return user_agents.words(self.device)

    def columns(self) -> dict[str, Any]:
        """Return what the rule refuses by the columns of its row."""
        return {
            "user_id": self.user_id,
            "site": self.site,
            "network": self.network,
            "device": " ".join(self.words),
        }

    def matches(self, user_id: UUID, site: str, client: Client) -> bool:
        """Return whether the rule refuses a user: to warn admins who are about to shut themselves out."""
        return (
            self.user_id in (None, user_id)
            and self.site in (None, site)
            and user_agents.means(self.words, client.agent)
            and (not self.network or _inside(client.address, self.network))
        )


@dataclass(frozen=True)
class Maker:
    """The user on whose behalf a rule is made, and the site that the user has to reach to lift it. A program without a maker
    of its own has no `user_id`: then only the client counts.
    """

    user_id: UUID | None
    site: str


@dataclass(frozen=True)
class NewRule:
    """A rule that is to be put into force. `reached` are the sessions that it refuses now, for the limit of its maker."""

    rule: Rule
    reached: Sequence[UUID] = ()


@once_more
def add(
    db: Database,
    rules: Sequence[NewRule],
    reason: Reason,
    client: Client,
    revocation_id: UUID | None = None,
    maker: Maker | None = None,
    *,
    limit: Limit | None = None,
    more: dict[str, Any] | None = None,
    already: Callable[[Connection, Rule], UUID | None] | None = None,
    claim: Claim | None = None,
) -> list[UUID]:
    """Put rules into force, all or none; returns their ids. `more` is added to the detail of the audit rows.

    `already` looks for a rule that makes one of these needless, while no other rule can be added: of two callers at the same time, the
    second gets the id of the first one's rule, and nothing is added. `claim` is called last, in the same transaction, with the
    first id: it raises where the rules may not be made.

    Raises ShutOut where a rule, one of these or another, refuses the `maker` or the maker's client, so that somebody is always
    left who can lift it. Raises TooFar where the sessions that a rule refuses now, or its user, are beyond the maker's limit.
    """
    with db.transaction() as connection:
        ids = add_within(
            connection, rules, reason, client, revocation_id, maker, limit=limit, more=more, already=already
        )
        if claim is not None:
            claim(connection, ids[0])
    return ids


def add_within(
    connection: Connection,
    rules: Sequence[NewRule],
    reason: Reason,
    client: Client,
    revocation_id: UUID | None = None,
    maker: Maker | None = None,
    *,
    limit: Limit | None = None,
    more: dict[str, Any] | None = None,
    already: Callable[[Connection, Rule], UUID | None] | None = None,
) -> list[UUID]:
    """Put rules into force in the caller's transaction, as `add` does. Lock no session after it: other acts lock sessions first."""
    reach.lock_actor(connection, limit, reason.actor)
    connection.execute(LOCK_RULES)
    ids, added = [], []
    for new in rules:
        rule_id = already(connection, new.rule) if already is not None else None
        if rule_id is None:
            rule_id = _add(connection, new, reason, client, revocation_id, more)
            added.append(new)
        ids.append(rule_id)
    if added and maker is not None:
        values = {"user_id": maker.user_id, "site": maker.site, **client.parameters()}
        if connection.execute(_REFUSED, values).first():
            raise ShutOut
    for new in added:
        guarded = reach.guarded_user(limit, new.rule.user_id, new.rule.site)
        reach.check(connection, limit, reason.actor, new.reached, guarded)
    return ids


def _add(
    connection: Connection,
    new: NewRule,
    reason: Reason,
    client: Client,
    revocation_id: UUID | None,
    more: dict[str, Any] | None,
) -> UUID:
    """Store one rule and its row of the audit log."""
    rule = new.rule
    named = rule.columns()
    values = {
        **named,
        "seconds": rule.seconds,
        "actor": reason.actor,
        "code": reason.code,
        "admin": reason.admin,
        "user": reason.user,
        "revocation_id": revocation_id,
    }
    rule_id: UUID = connection.execute(_ADD, values).scalar_one()
    detail: dict[str, Any] = {name: str(value) for name, value in named.items() if value}
    users = {*reach.users_of(connection, new.reached), *([str(rule.user_id)] if rule.user_id else [])}
    event = Event(
        EventName.DENY_RULE_ADDED,
        rule.site or "all",
        client,
        initiating_entity=reason.initiating_entity,
        actor=reason.actor,
        user_id=rule.user_id,
        revocation_id=revocation_id,
        detail={
            "rule": str(rule_id),
            "seconds": rule.seconds,
            "reason": reason.code,
            "users": sorted(users),
            **detail,
            **(more or {}),
        },
    )
    audit.write(connection, event)
    return rule_id


@once_more
def lift(db: Database, rule_id: UUID, actor: str, client: Client, note: str = "") -> bool:
    """Lift a rule before its time; False where it was not in force any more. `note` is the reason, for the audit log."""
    with db.transaction() as connection:
        row = connection.execute(_LIFT, {"id": rule_id, "actor": actor}).first()
        if row is not None:
            event = Event(
                EventName.DENY_RULE_LIFTED,
                row.site or "all",
                client,
                initiating_entity=InitiatingEntity.ADMIN,
                actor=actor,
                user_id=row.user_id,
                detail={"rule": str(rule_id), "reason_admin": note},
            )
            audit.write(connection, event)
        return row is not None


def refused(db: Database, site: str, client: Client, user_id: UUID | None) -> UUID | None:
    """Return the rule that refuses every login of this client on the site, or of the user where one is named; None without one."""
    row = db.one(_REFUSED, site=site, user_id=user_id, **client.parameters())
    return None if row is None else row["id"]


def shuts_out(user: str, site: str) -> str:
    """Return a condition in SQL: a rule in force refuses a user on a site from every network and with every browser.

    `user` is SQL for the user's id.
    """
    return f"""EXISTS (SELECT 1 FROM standing_rules r
      WHERE r.user_id = {user} AND (r.site IS NULL OR r.site = '{site}') AND r.network IS NULL AND r.device = ''
        AND {RULE_IN_FORCE})"""


def hit(db: Database, rule_id: UUID) -> None:
    """Count a refusal by a rule."""
    db.all(_HIT, id=rule_id)


def _inside(address: str | None, network: str) -> bool:
    found = ipaddress.ip_address(address) if address else None
    block = ipaddress.ip_network(network)
    return found is not None and found.version == block.version and found in block
