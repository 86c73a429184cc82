"""Standing rules as the console sees them: what one would refuse, in words and in numbers, and those that are kept."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import Column, RowMapping, Select, Text, case, cast, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from ..core import addresses
from ..core.permissions import OWNERS
from ..core.read_only_database import ReadOnlyDatabase
from ..core.sites import ADMIN
from ..sessions import Rule, tables
from . import plans, session_queries
from .filters import SessionFilter, parse_query
from .plans import Plan
from .session_queries import s
from .targets import Target

# How long a deny rule may last, in seconds, and what that is called.
SPANS = {
    "3600": "1 hour",
    "86400": "24 hours",
    "604800": "7 days",
    "2592000": "30 days",
    "31536000": "a year",
}
DAY = "86400"
# Rules that a list shows, and says so where there may be more.
MOST = 200
# A block that is larger than these, by the version of IP, is no network of somebody's but a part of the internet.
_WIDEST = {4: 16, 6: 32}

_r = tables.standing_rules
MADE_AT: Column[Any] = _r.c.created_at
RULE_ID: Column[Any] = _r.c.id

_NAME = (
    select(s.c.user_name)
    .where(s.c.user_id == _r.c.user_id)
    .order_by(s.c.created_at.desc())
    .limit(1)
    .scalar_subquery()
)


def rows() -> Select[Any]:
    """All rules with their `state` (in force, lifted or over) and the `name` of the user, to be paged."""
    over = case((_r.c.lifted_at.is_not(None), "lifted"), (_r.c.until <= func.now(), "over"), else_="in force")
    return select(_r, over.label("state"), _NAME.label("name"))


def one(db: ReadOnlyDatabase, rule_id: UUID) -> RowMapping | None:
    """A rule, or None."""
    return db.one(rows().where(_r.c.id == rule_id))


def in_force(
    db: ReadOnlyDatabase, *, user_id: UUID | None = None, revocation_id: UUID | None = None
) -> list[RowMapping]:
    """Rules in force, newest first and at most MOST: all, one user's, or those made with a revocation."""
    found = rows().where(_r.c.lifted_at.is_(None), _r.c.until > func.now())
    if user_id:
        found = found.where(_r.c.user_id == user_id)
    if revocation_id:
        found = found.where(_r.c.revocation_id == revocation_id)
    return db.all(found.order_by(MADE_AT.desc(), RULE_ID.desc()).limit(MOST))


def ended() -> Select[Any]:
    """Rules that were lifted or have run out, to be paged."""
    return rows().where((_r.c.lifted_at.is_not(None)) | (_r.c.until <= func.now()))


def named(plan: Plan) -> dict[str, Any]:
    """What a rule beside a plan would name; empty where nothing in the plan can be refused ahead of time."""
    if plan.scope is None:
        return {}
    if plan.scope.user_id:
        return {"user_id": plan.scope.user_id, "network": None, "device": "", "site": plan.scope.site}
    return of_filter(parse_query(plan.filter)) if plan.filter else {}


def of_filter(chosen: SessionFilter) -> dict[str, Any]:
    """The rule that refuses what a filter selects: a user by id, a network, a device, and the site beside them. Empty where
    the filter says something else, too: a rule that leaves that out would refuse more than was looked at.
    """
    if (chosen.user and not chosen.user_id) or chosen.flag or chosen.created_after or chosen.seen_before:
        return {}
    found = {"user_id": chosen.user_id, "network": chosen.ip or None, "device": chosen.device}
    return {**found, "site": chosen.site or None} if any(found.values()) else {}


def make(seconds: str, **named: Any) -> Rule:
    """The rule. Raises ValueError, whose text is for people, where it makes no sense."""
    if seconds not in SPANS:
        raise ValueError("Choose for how long.")
    if not (named.get("user_id") or named.get("network") or named.get("device")):
        raise ValueError("Name a user, a network or a device.")
    return Rule(float(seconds), **named)


@dataclass(frozen=True)
class Weight:
    """What a rule reaches. `plan` holds the live sessions that it refuses; `owners` says whether it keeps an owner out of the
    console; `wide` whether it takes the permission for whole sites, `grave` whether it takes a fresh password.
    """

    plan: Plan
    owners: bool
    wide: bool

    @property
    def grave(self) -> bool:
        """As of an act that ends the same sessions."""
        return self.wide or self.plan.grave


def weigh(db: ReadOnlyDatabase, rule: Rule, own: UUID | None) -> Weight:
    """Weigh a rule as the end of the sessions that it refuses, and of whoever may come yet. `own` is the admin's session.

    An owner counts who was ever seen where the rule holds, signed in now or not, as long as a session of theirs is kept.
    """
    named = {"user": rule.user_id, "ip": rule.network, "device": rule.device, "site": rule.site}
    query = urlencode({name: str(value) for name, value in named.items() if value})
    plan = plans.make(db, Target(filter=query), own)
    owners = plan.owners or (rule.site in (None, ADMIN) and _owner_seen(db, parse_query(query), own))
    wide = owners or plan.wide or plan.scope is None or not (rule.user_id or _moderate(rule.network))
    return Weight(plan, owners, wide)


def _owner_seen(db: ReadOnlyDatabase, chosen: SessionFilter, own: UUID | None) -> bool:
    mine = select(tables.sessions.c.user_id).where(tables.sessions.c.id == own).scalar_subquery()
    found = select(literal(1)).where(
        *session_queries.matching(db, chosen),
        s.c.site == ADMIN,
        s.c.roles.op("&&")(cast(sorted(OWNERS), ARRAY(Text))),
        s.c.user_id.is_distinct_from(mine),
    )
    return db.one(found.limit(1)) is not None


def _moderate(network: str | None) -> bool:
    """Whether a block is of the size that somebody can hold."""
    block = addresses.network(network) if network else None
    return block is not None and block.prefixlen >= _WIDEST[block.version]


def of_row(row: RowMapping) -> Rule:
    """The rule that a row keeps; for how long is not told."""
    network = row["network"] and str(row["network"])
    return Rule(1, user_id=row["user_id"], site=row["site"], network=network, device=row["device"])


def in_words(user: str, network: Any, device: str, site: str | None) -> str:
    """What a rule refuses: "Sam Shore from 203.0.113.0/24 with firefox linux, on the store"."""
    parts = [
        str(user) if user else "everybody",
        f"from {network}" if network else "",
        f"with “{device}”" if device else "",
    ]
    return " ".join(part for part in parts if part) + (f", on {site}" if site else ", on all sites")
