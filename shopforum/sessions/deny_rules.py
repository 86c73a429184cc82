"""Standing rules: what is refused for a while, so that what an admin has just ended does not come back.

A rule names a user, a network, words of a browser's name (`agents.py`), a site, or several of these; what matches all
that it names is refused at the login, at a refresh and at every page in between. It ends nothing: that is what the
revocation beside it does. When its time is over, or it is lifted, sessions that were not ended go on.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from ..core import addresses, user_agents
from ..core.database import Database, once_more
from . import audit, reach
from .audit import Client, Event
from .live import RULE_IN_FORCE, matching_rule
from .model import Reason
from .reach import Limit

# At most a year: a rule that nobody looks at again should run out by itself.
LONGEST = 366 * 86400

# Before a password is asked for: rules for one user cannot be told yet.
_REFUSED = text(matching_rule(user="NULL", site=":site"))

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


# Rules that are made at the same time are made one after the other: of two admins who refuse each other, one is refused
# before the own rule is in force.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7305441239)")

_SHUT_OUT = text(matching_rule(user="CAST(:user_id AS uuid)", site=":site"))


class ShutOut(Exception):
    """A rule would refuse, or another one refuses, the admin who makes it. Nothing was changed."""


class SignInBlocked(Exception):
    """The password may be right, but a standing rule refuses the login."""


@dataclass(frozen=True)
class Rule:
    """What is refused, and for how many seconds. `network` is an address or a CIDR block, kept in its one spelling,
    `device` words that name a browser (`agents.means`). Raises ValueError where it names nothing, or makes no sense.
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
        """The words of the device, as they are compared."""
        return user_agents.words(self.device)

    def matches(self, user_id: UUID, site: str, client: Client) -> bool:
        """Whether it refuses somebody: to warn whoever is about to shut themselves out."""
        return (
            self.user_id in (None, user_id)
            and self.site in (None, site)
            and user_agents.means(self.words, client.agent)
            and (not self.network or _inside(client.address, self.network))
        )


@once_more
def add(
    db: Database,
    rule: Rule,
    reason: Reason,
    client: Client,
    revocation_id: UUID | None = None,
    maker: tuple[UUID, str] | None = None,
    *,
    reached: Sequence[UUID] = (),
    limit: Limit | None = None,
) -> UUID:
    """Put a rule into force; returns its id. `maker` is the user who makes it, and on which site: raises ShutOut where a rule
    refuses the maker, this one or another. So there is always somebody left who can lift it. `reached` are the sessions that
    the rule refuses now: raises TooFar where these, or the user, are beyond the maker's limit.
    """
    named = {
        "user_id": rule.user_id,
        "site": rule.site,
        "network": rule.network,
        "device": " ".join(rule.words),
    }
    values = {
        **named,
        "seconds": rule.seconds,
        "actor": reason.actor,
        "code": reason.code,
        "admin": reason.admin,
        "user": reason.user,
        "revocation_id": revocation_id,
    }
    with db.transaction() as connection:
        reach.one_at_a_time(connection, limit, reason.actor)
        connection.execute(_ONE_AT_A_TIME)
        rule_id: UUID = connection.execute(_ADD, values).scalar_one()
        if maker is not None:
            where = {"address": client.address, "device": user_agents.text(client.agent)}
            if connection.execute(_SHUT_OUT, {"user_id": maker[0], "site": maker[1], **where}).first():
                raise ShutOut
        detail: dict[str, Any] = {name: str(value) for name, value in named.items() if value}
        users = {*reach.users_of(connection, reached), *([str(rule.user_id)] if rule.user_id else [])}
        audit.write(
            connection,
            Event(
                "standing_rule_added",
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
                },
            ),
        )
        guarded = rule.user_id if limit and rule.site in (None, limit.site) else None
        reach.check(connection, limit, reason.actor, reached, guarded)
    return rule_id


@once_more
def lift(db: Database, rule_id: UUID, actor: str, client: Client, note: str = "") -> bool:
    """End a rule before its time; False where it was not in force any more. `note` says why, for the audit log."""
    with db.transaction() as connection:
        row = connection.execute(_LIFT, {"id": rule_id, "actor": actor}).first()
        if row is not None:
            event = Event(
                "standing_rule_lifted",
                row.site or "all",
                client,
                initiating_entity="admin",
                actor=actor,
                user_id=row.user_id,
                detail={"rule": str(rule_id), "reason_admin": note},
            )
            audit.write(connection, event)
        return row is not None


def refused(db: Database, site: str, client: Client) -> UUID | None:
    """The rule that refuses every login of this client on the site, whoever's, if there is one."""
    row = db.one(_REFUSED, site=site, address=client.address, device=user_agents.text(client.agent))
    return None if row is None else row["id"]


def hit(db: Database, rule_id: Any) -> None:
    """Count that a rule has refused something."""
    db.all(_HIT, id=rule_id)


def _inside(address: str | None, network: str) -> bool:
    found = ipaddress.ip_address(address) if address else None
    block = ipaddress.ip_network(network)
    return found is not None and found.version == block.version and found in block
