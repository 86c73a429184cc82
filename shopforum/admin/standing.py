"""Standing rules as the console sees them: what one would refuse, in words, and those that are kept."""

from typing import Any
from uuid import UUID

from sqlalchemy import Column, RowMapping, Select, case, func, select

from ..sessions import tables
from ..sessions.rules import Rule
from .filters import SessionFilter, from_query, moderate
from .forms import SPANS
from .plans import Plan
from .queries import s
from .reading import Reading

# Rules that a list shows, and says so where there may be more.
MOST = 200

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


def one(db: Reading, rule_id: UUID) -> RowMapping | None:
    """A rule, or None."""
    return db.one(rows().where(_r.c.id == rule_id))


def in_force(
    db: Reading, *, user_id: UUID | None = None, revocation_id: UUID | None = None
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
    return of_filter(from_query(plan.filter)) if plan.filter else {}


def of_filter(form: SessionFilter) -> dict[str, Any]:
    """The rule that refuses what a filter selects: a user by id, a network, a device, and the site beside them. Empty where
    the filter says something else, too: a rule that leaves that out would refuse more than was looked at.
    """
    if not form.validate() or (form.user.data and not form.user_id):
        return {}
    if form.flag.data or form.created_after.data or form.seen_before.data:
        return {}
    found = {"user_id": form.user_id, "network": form.ip.data or None, "device": form.device.data or ""}
    return {**found, "site": form.site.data or None} if any(found.values()) else {}


def make(seconds: str, **named: Any) -> Rule:
    """The rule. Raises ValueError, whose text is for people, where it makes no sense."""
    if seconds not in SPANS:
        raise ValueError("Choose for how long.")
    if not (named.get("user_id") or named.get("network") or named.get("device")):
        raise ValueError("Name a user, a network or a device.")
    return Rule(float(seconds), **named)


def wide(rule: Rule) -> bool:
    """Whether it refuses people whoever they are, like the end of a whole site: neither a user nor a moderate network."""
    return not rule.user_id and not (rule.network and moderate(rule.network))


def in_words(user: str, network: Any, device: str, site: str | None) -> str:
    """What a rule refuses: "Sam Shore from 203.0.113.0/24 with firefox linux, on the store"."""
    parts = [
        str(user) if user else "everybody",
        f"from {network}" if network else "",
        f"with “{device}”" if device else "",
    ]
    return " ".join(part for part in parts if part) + (f", on {site}" if site else ", on all sites")
