"""Signs of attack on some of the sample sessions: flags with their audit rows, quarantine, deny rules, a fork."""

import ipaddress
from datetime import datetime, timedelta
from typing import Any

from shopforum.operations.filters import SessionFilter
from shopforum.operations.tables import incidents
from shopforum.sessions import tables
from shopforum.sessions.vocabulary import ActKind

from .session_rows import AGENTS, AWAY, THIEVES, Seed, revoke

RULED = ipaddress.ip_network("203.0.113.192/26")
_RESPONDER, _OWNER = "responder@harbour.example", "owner@harbour.example"
_NEWER, _OLDER = "Chrome/147.0.0.0 Safari", "Chrome/146.0.0.0 Safari"
_HARMLESS = "Asked by phone: travelling, it was the user."


def flag(
    made: Seed, row: dict[str, Any], kind: str, since: datetime, address: str, agent: str, count: int = 1
) -> dict[str, Any]:
    """Add a flag with the audit rows that the session core would have written: the first, and at each power of two."""
    last = made.between(since, made.now) if count > 1 else since
    found = {"session_id": row["id"], "kind": kind, "count": count, "first_at": since, "last_at": last}
    found |= {"last_address": address, "last_agent": agent}
    found |= dict.fromkeys(("dismissed_at", "dismissed_by", "dismissed_reason"))
    made.add(tables.flags, **found)
    who = {"user_id": row["user_id"], "session_id": row["id"], "address": address, "agent": agent}
    for number in range(count.bit_length()):
        at = since + (last - since) * ((2**number - 1) / max(count - 1, 1))
        made.audit(at, kind, row["site"], "user", **who)
    return made.rows[tables.flags][-1]


def place(made: Seed, row: dict[str, Any], at: datetime, address: str, agent: str) -> None:
    """Its cookies were used from somewhere else, last of all."""
    made.add(tables.places, session_id=row["id"], address=address, agent=agent, first_at=at, last_at=at)
    seen = max(row["last_seen_at"], at)
    row |= {"last_address": address, "last_agent": agent, "last_seen_at": seen}
    row["idle_end"] = min(seen + timedelta(minutes=30), row["absolute_end"])


def fork(made: Seed, row: dict[str, Any], at: datetime) -> None:
    """A thief copied the cookies and took the newest pair first; the owner came back with the pair before it."""
    address, agent = made.address(AWAY), made.random.choice(THIEVES)
    place(made, row, row["last_seen_at"], address, agent)
    newest = made.rows[tables.credentials][-1]
    newest |= {"seen_address": address, "seen_agent": agent}
    revoke(made, [row], at, "authn_token_reuse", ("policy", "replay detection", "replayed"))


def signals(made: Seed) -> None:
    """Flags of every kind on sessions of the last days that are still alive, some dismissed, some in quarantine."""
    recent = [
        row
        for row in made.rows[tables.sessions]
        if not row["ended_at"] and row["last_seen_at"] > made.now - timedelta(days=4)
    ]
    made.random.shuffle(recent)
    for number in range(14):
        row = recent.pop()
        found = _moved(made, row, "other_network", made.elsewhere(row["address"]), row["agent"])
        if number < 4:
            _dismiss(made, found, row)
    for number in range(8):
        row = recent.pop()
        agent = THIEVES[number % len(THIEVES)]
        _moved(made, row, "other_browser", made.address(AWAY), agent)
        if number % 2:
            quarantine(made, row, ("policy", "risk signals", "other_browser"))
    for number in range(5):
        row = recent.pop()
        elsewhere = [agent for agent in AGENTS if ("Windows" in agent) != ("Windows" in row["agent"])]
        _moved(made, row, "other_system", made.address(AWAY), elsewhere[number])
        quarantine(made, row, ("admin", _RESPONDER, "suspected_theft"), released=number == 0)
    for row in [row for row in recent if _NEWER in row["agent"]][:4]:
        _moved(made, row, "older_browser", made.address(AWAY), row["agent"].replace(_NEWER, _OLDER))
        recent.remove(row)
    for _ in range(4):
        row = recent.pop()
        _moved(made, row, "two_places", made.elsewhere(row["address"]), row["agent"])
    for _ in range(3):
        row = recent.pop()
        at = made.between(row["last_seen_at"], made.now)
        flag(made, row, "cross_app_token", at, made.address(AWAY), THIEVES[0])
    bound = [row for row in recent if row["bound_at"]]
    for kind in ("session_used_without_key", "session_used_without_key", "session_binding_refused"):
        row = bound.pop()
        recent.remove(row)
        at = made.between(row["last_seen_at"], made.now)
        # The same browser at another address: whoever copies the cookies copies the browser's name, too.
        flag(made, row, kind, at, made.address(AWAY), row["agent"], 3)
    row = recent.pop()
    flag(
        made,
        row,
        "refreshed_elsewhere",
        made.between(row["last_seen_at"], made.now),
        made.address(AWAY),
        THIEVES[0],
    )
    _rules(made, recent)


def quarantine(made: Seed, row: dict[str, Any], why: tuple[str, str, str], *, released: bool = False) -> None:
    """Put a session into quarantine after it was last seen; and take it out again, if it was `released`."""
    entity, actor, code = why
    at = made.between(row["last_seen_at"], made.now)
    about = {"actor": actor, "user_id": row["user_id"], "session_id": row["id"]}
    detail = {"sessions": [str(row["id"])], "count": 1, "reason": code, "reason_admin": ""}
    where = row["last_address"] if entity == "policy" else "192.0.2.10"
    made.audit(at, "session_quarantined", row["site"], entity, **about, address=where, detail=detail)
    if released:
        later = made.between(at, made.now)
        told = detail | {"reason": "harmless", "reason_admin": _HARMLESS}
        made.audit(later, "session_released", row["site"], entity, **about, address=where, detail=told)
    else:
        row |= {"quarantined_at": at, "quarantine_reason": code}


def _moved(made: Seed, row: dict[str, Any], kind: str, address: str, agent: str) -> dict[str, Any]:
    at = made.between(row["last_seen_at"], min(row["last_seen_at"] + timedelta(minutes=2), made.now))
    place(made, row, at, address, agent)
    return flag(made, row, kind, at, address, agent, made.random.choice((1, 1, 2, 3)))


def _dismiss(made: Seed, found: dict[str, Any], row: dict[str, Any]) -> None:
    at = made.between(found["last_at"], made.now)
    found |= {"dismissed_at": at, "dismissed_by": _RESPONDER, "dismissed_reason": _HARMLESS}
    detail = {"flag": found["kind"], "reason_admin": _HARMLESS}
    about = {"user_id": row["user_id"], "session_id": row["id"], "address": "192.0.2.10"}
    made.audit(at, "flag_dismissed", row["site"], "admin", actor=_RESPONDER, detail=detail, **about)


def _rules(made: Seed, recent: list[dict[str, Any]]) -> None:
    """An incident of this afternoon: a block's sessions were ended, and a rule keeps it out; a rule of last week is over."""
    at = made.now - timedelta(hours=4)
    rows = [row for row in recent if row["site"] == "store" and row["last_seen_at"] < at][:6]
    stay, ended = rows[:2], rows[2:]
    for row in rows:
        place(made, row, made.between(row["last_seen_at"], at), made.address(RULED), row["agent"])
    chosen = SessionFilter(site="store", ip=str(RULED))
    why = ("admin", _OWNER, "incident")
    told = _incident(made, at - timedelta(minutes=2), chosen)
    revocation_id = revoke(made, ended, at, "authn_token_revoked", why, typed=chosen.text, detail=told)
    _rule(made, at, timedelta(days=1), told, network=str(RULED), site="store", reason_code="incident", hits=37,
          last_hit_at=made.now - timedelta(minutes=6), revocation_id=revocation_id)  # fmt: skip
    for row in ended:
        # The thief's act, beside whatever the owner has done.
        where = {
            "address": made.address(RULED),
            "agent": row["agent"],
            "kind": ActKind.DATA_EXPORTED,
            "reference": "",
        }
        about = {"session_id": row["id"], "user_id": row["user_id"], "site": row["site"]}
        then = made.between(row["last_seen_at"], at)
        made.add(tables.acts, **about, **where, at=then, expires_at=then + timedelta(days=90))
    for row in stay:
        flag(made, row, "session_blocked", made.between(at, made.now), made.address(RULED), row["agent"], 5)
    week = made.now - timedelta(days=7)
    _rule(made, week, timedelta(days=3), {}, device="headlesschrome", reason_code="suspected_theft", hits=212,
          last_hit_at=week + timedelta(hours=30), lifted_at=week + timedelta(hours=31), lifted_by=_OWNER)  # fmt: skip


def _incident(made: Seed, at: datetime, chosen: SessionFilter) -> dict[str, Any]:
    """Open an incident; returns what the audit rows of its acts say about it."""
    named = {"name": f"Stuffing from {chosen.ip}", "ticket": "INC-4711"}
    row = {"id": made.uuid(), "created_at": at, "actor": _OWNER, "reason_code": "incident", "user_text": ""}
    made.add(incidents, **row, **named, filter=chosen.query(), closed_at=None, closed_by=None)
    told = {"incident": str(row["id"])}
    about = {"actor": _OWNER, "address": "192.0.2.11"}
    detail = told | named | {"typed": chosen.text, "reason": "incident"}
    made.audit(at, "incident_opened", "all", "admin", **about, detail=detail)
    return told


def _rule(made: Seed, at: datetime, lasts: timedelta, more: dict[str, Any], **named: Any) -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        ("user_id", "site", "network", "revocation_id", "lifted_at", "lifted_by")
    )
    texts = {"device": "", "reason_admin": "INC-4711", "reason_user": "", "actor": _OWNER}
    row: dict[str, Any] = nothing | texts | named | {"id": made.uuid(), "created_at": at, "until": at + lasts}
    made.add(tables.standing_rules, **row)
    what = {name: str(row[name]) for name in ("network", "site", "device") if row[name]}
    told = {"rule": str(row["id"])}
    detail = told | {"seconds": lasts.total_seconds(), "reason": row["reason_code"]} | what | more
    about = {"actor": _OWNER, "address": "192.0.2.11"}
    site = row["site"] or "all"
    made.audit(
        at, "standing_rule_added", site, "admin", **about, revocation_id=row["revocation_id"], detail=detail
    )
    if row["lifted_at"]:
        made.audit(row["lifted_at"], "standing_rule_lifted", site, "admin", **about, detail=told)
