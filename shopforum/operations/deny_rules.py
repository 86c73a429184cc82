"""Deny rules as operators see them: the rules that are kept, and what a new one would refuse."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import Column, case, literal, select

from ..core import addresses
from ..core.database import ResultRow
from ..core.listing import Listing
from ..core.permissions import OWNERS
from ..core.read_only_database import ReadOnlyDatabase
from ..core.sites import ADMIN
from ..sessions import Authority, AuthorityUnavailable, Rule, live, tables
from ..sessions.deny_rules import LONGEST
from . import limits, plans, session_queries, user_queries
from .filters import SessionFilter, parse_query
from .limits import BeyondReach
from .plans import Plan
from .session_queries import s
from .targets import Target

# How long a deny rule may last, in seconds, and the label of that time.
SPANS = {
    "3600": "1 hour",
    "86400": "24 hours",
    "604800": "7 days",
    "2592000": "30 days",
    "31536000": "1 year",
}
DAY = "86400"
# Rules that a list shows at most.
MOST = 200
# A block that is larger than these, by the version of IP, is no network of one holder but a part of the internet.
_WIDEST = {4: 16, 6: 32}

IN_FORCE, LIFTED, OVER = "in force", "lifted", "over"

_r = tables.standing_rules.alias("r")
RULE_ID: Column[Any] = _r.c.id
_IN_FORCE = live.condition(live.RULE_IN_FORCE)
_NAME = (
    select(s.c.user_name)
    .where(s.c.user_id == _r.c.user_id)
    .order_by(s.c.created_at.desc())
    .limit(1)
    .scalar_subquery()
)


@dataclass(frozen=True)
class DenyRuleRow:
    """A deny rule. `state` is IN_FORCE, LIFTED or OVER; `user_name` is the name of the user it refuses."""

    id: UUID
    created_at: datetime
    until: datetime
    user_id: UUID | None
    site: str | None
    network: str | None
    device: str
    actor: str
    reason_code: str
    reason_admin: str
    reason_user: str
    revocation_id: UUID | None
    hits: int
    last_hit_at: datetime | None
    lifted_at: datetime | None
    lifted_by: str | None
    state: str
    user_name: str | None

    @property
    def rule(self) -> Rule:
        """The rule itself; its duration is not kept."""
        return Rule(1, user_id=self.user_id, site=self.site, network=self.network, device=self.device)


def _row(row: ResultRow) -> DenyRuleRow:
    return DenyRuleRow(**row)


_STATE = case((_r.c.lifted_at.is_not(None), LIFTED), (_IN_FORCE, IN_FORCE), else_=OVER)

RULES = Listing(select(_r, _STATE.label("state"), _NAME.label("user_name")), (_r.c.created_at, RULE_ID), _row)
# Rules that were lifted or have run out, newest first.
ENDED = RULES.where(~_IN_FORCE)


def one(db: ReadOnlyDatabase, rule_id: UUID) -> DenyRuleRow | None:
    """Return a rule, or None if there is no such rule."""
    return next(iter(RULES.where(_r.c.id == rule_id).first(db, 1)), None)


def in_force(
    db: ReadOnlyDatabase, *, user_id: UUID | None = None, revocation_id: UUID | None = None
) -> list[DenyRuleRow]:
    """Return rules in force, newest first and at most MOST: all, those on one user, or those made with a revocation."""
    found = RULES.where(_IN_FORCE)
    if user_id:
        found = found.where(_r.c.user_id == user_id)
    if revocation_id:
        found = found.where(_r.c.revocation_id == revocation_id)
    return found.first(db, MOST)


def named(plan: Plan) -> dict[str, Any]:
    """Return the fields of a rule that refuses what a plan ends; empty where no rule can."""
    if plan.scope is None:
        return {}
    if plan.scope.user_id:
        return {"user_id": plan.scope.user_id, "network": None, "device": "", "site": plan.scope.site}
    return of_filter(parse_query(plan.filter)) if plan.filter else {}


def of_filter(chosen: SessionFilter) -> dict[str, Any]:
    """Return the fields of the rule that refuses what a filter matches: a user by id, a network, a device, and the site.

    Empty where the filter has other fields: a rule without them would refuse more than was shown.
    """
    if set(chosen.given) - {"user", "ip", "device", "site", "state"} or (chosen.user and not chosen.user_id):
        return {}
    found = {"user_id": chosen.user_id, "network": chosen.ip or None, "device": chosen.device}
    return {**found, "site": chosen.site or None} if any(found.values()) else {}


# The filters of the list of sessions that a rule may have.
FIELDS = ("user", "site", "ip", "device")


def of_words(db: ReadOnlyDatabase, chosen: SessionFilter, seconds: float) -> Rule:
    """Return the rule that refuses what a filter matches, for a time. The user is an id, or the whole e-mail address of one
    user who has signed in. Raises ValueError with a text for people.
    """
    user_id = chosen.user_id
    if chosen.user and user_id is None:
        users = user_queries.of_email(db, chosen.user)
        if len(users) != 1:
            raise ValueError(
                "Name a user by the id, or by the whole e-mail address of one user who has signed in."
            )
        user_id = users[0]
    return make(
        seconds, user_id=user_id, network=chosen.ip or None, device=chosen.device, site=chosen.site or None
    )


def make(seconds: float, **named: Any) -> Rule:
    """Return a rule. Raises ValueError with a text for people where a field is missing or wrong."""
    if not 1 <= seconds <= LONGEST:
        raise ValueError(f"Choose for how long: from one second to {LONGEST:,} seconds, a year.")
    if not (named.get("user_id") or named.get("network") or named.get("device")):
        raise ValueError("Name a user, a network or a device.")
    return Rule(seconds, **named)


@dataclass(frozen=True)
class Weight:
    """The reach of a rule. `plan` holds the live sessions that it refuses; `owners` says whether it keeps an owner out of the
    console; `crowd` whether it reaches more than PEOPLE people who are signed in, or a part of the internet that nobody holds alone.
    """

    plan: Plan
    owners: bool
    crowd: bool

    @property
    def wide(self) -> bool:
        """Return whether the rule takes the permission for whole sites."""
        return self.owners or self.crowd or self.plan.wide

    @property
    def grave(self) -> bool:
        """Return whether the rule takes a fresh password, as an act that ends the same sessions does."""
        return self.wide or self.plan.grave


def weigh(db: ReadOnlyDatabase, rule: Rule, own: UUID | None) -> Weight:
    """Weigh a rule like the end of the sessions that it refuses, later logins included. `own` is the admin's session.

    An owner counts if the owner was ever seen where the rule holds, signed in or not, as long as one of the owner's
    sessions is kept.
    """
    fields = {"user": rule.user_id, "ip": rule.network, "device": rule.device, "site": rule.site}
    query = urlencode({name: str(value) for name, value in fields.items() if value})
    plan = plans.make(db, Target(filter=query), own)
    owners = plan.owners or (rule.site in (None, ADMIN) and _owner_seen(db, parse_query(query), own))
    crowd = plan.crowd or plan.scope is None or not (rule.user_id or _moderate(rule.network))
    return Weight(plan, owners, crowd)


def check_reach(authority: Authority, rule: Rule, weight: Weight, *, unlimited: bool) -> None:
    """Raise BeyondReach for a rule that takes the permission for whole sites (`unlimited`), or that refuses an owner."""
    if unlimited:
        return
    if weight.owners or _is_owner(authority, rule):
        raise BeyondReach("This rule reaches an owner at the console: it takes an owner. Ask an owner.")
    if weight.wide:
        raise BeyondReach(
            f"This rule reaches {weight.plan.people:,} people who are signed in, or a part of the internet that nobody holds "
            "alone: it takes an owner. Ask an owner, or choose less."
        )


def _is_owner(authority: Authority, rule: Rule) -> bool:
    """Return whether the user whom a rule keeps out of the console is an owner, as the identity provider says: the only owner may
    not have signed in for a long time. Raises BeyondReach while the provider cannot be asked.
    """
    if rule.user_id is None or rule.site not in (None, ADMIN):
        return False
    try:
        roles = authority.roles(rule.user_id)
    except AuthorityUnavailable:
        raise BeyondReach(
            "FusionAuth does not answer, so we cannot tell whether this user is an owner of the console. Make the rule for "
            "the store or the forums alone, or ask an owner."
        ) from None
    return bool(OWNERS & {*(roles or ())})


def _owner_seen(db: ReadOnlyDatabase, chosen: SessionFilter, own: UUID | None) -> bool:
    mine = select(tables.sessions.c.user_id).where(tables.sessions.c.id == own).scalar_subquery()
    found = select(literal(1)).where(
        *session_queries.matching(db, chosen),
        limits.owners_session(s.c.site, s.c.roles),
        s.c.user_id.is_distinct_from(mine),
    )
    return db.one(found.limit(1)) is not None


def _moderate(network: str | None) -> bool:
    """Return whether a block is of a size that one holder can have."""
    block = addresses.network(network) if network else None
    return block is not None and block.prefixlen >= _WIDEST[block.version]


def in_words(user: str, network: Any, device: str, site: str | None) -> str:
    """Say whom a rule refuses: "Sam Shore from 203.0.113.0/24 with “firefox linux”, on store"; "Everybody from …"."""
    parts = [
        str(user) if user else "Everybody",
        f"from {network}" if network else "",
        f"with “{device}”" if device else "",
    ]
    return " ".join(part for part in parts if part) + (f", on {site}" if site else ", on all sites")
