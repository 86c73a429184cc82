"""Explain why requests were served or refused: of a session, a user, one request, or an address at a time.

The decisions come from what is stored: the refused requests, the audit log, and the pairs of cookies, each of which was handed
out in answer to a request that was served. A request that was served and left none of these is only in the log.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, cast, select, text
from sqlalchemy.dialects.postgresql import INET

from ..core import user_agents
from ..core.database import ResultRow
from ..core.ids import parse_uuid
from ..core.listing import Listing
from ..core.read_only_database import ReadOnlyDatabase
from ..core.rows import columns
from ..sessions import live, tables
from ..sessions.vocabulary import BindingState, EndReason, EventName, FlagKind, State, Withheld
from . import audit_queries, deny_rules, id_lookup, labels, session_queries, user_queries
from .deny_rules import DenyRuleRow
from .rows import AuditRow, PairRow, SessionDetail

# Decisions that one explanation shows.
MOST = 100
# Minutes before and after an instant in which an address is looked for.
MINUTES = 10

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{4,100}")


class Verdict(StrEnum):
    """The outcome of a request; `noted` is said of an act or a signal that decided no request by itself."""

    SERVED = "served"
    REFUSED = "refused"
    NOTED = "noted"


@dataclass(frozen=True)
class RefusedRequest:
    """A request that was refused although its cookies belong to a session (`sessions.refusals`)."""

    id: int
    session_id: UUID
    at: datetime
    site: str
    why: str
    request_id: str
    address: str | None
    agent: str
    more: int
    detail: dict[str, Any]


@dataclass(frozen=True)
class Decision:
    """The reason why a request was served or refused, in words. `why` is the code of the rule, `times` counts requests of the same kind
    within the same second.
    """

    at: datetime
    verdict: Verdict
    why: str
    text: str
    site: str
    request_id: str
    address: str | None
    agent: str
    session_id: UUID | None
    times: int = 1


@dataclass(frozen=True)
class Check:
    """A rule that the next request of a session meets, in the order of the rules, and whether it `passes` as things stand."""

    rule: str
    passes: bool
    text: str


@dataclass(frozen=True)
class Explanation:
    """The decisions about a session, a user or a request, newest first, at most MOST. `checks` are those of a session."""

    decisions: list[Decision]
    session: SessionDetail | None = None
    user_id: UUID | None = None
    request_id: str = ""
    checks: tuple[Check, ...] = ()

    @property
    def served(self) -> bool:
        """Return whether the session's next request is served, if it shows the pair that holds from the last place."""
        return all(check.passes for check in self.checks)


_r, _a = tables.refused_requests, tables.audit_log


def _refused_request(row: ResultRow) -> RefusedRequest:
    return RefusedRequest(**row)


_REFUSED = Listing(select(*(_r.c[name] for name in columns(RefusedRequest))), (_r.c.id,), _refused_request)

# By the key of each of the user's latest sessions.
_OF_USER = text(
    f"""SELECT r.* FROM (SELECT id FROM sessions WHERE user_id = :user_id ORDER BY created_at DESC, id DESC LIMIT {MOST}) s
    CROSS JOIN LATERAL (SELECT {", ".join(columns(RefusedRequest))} FROM refused_requests WHERE session_id = s.id
      ORDER BY id DESC LIMIT {MOST}) r ORDER BY r.id DESC LIMIT {MOST}"""
)

# The deny rule that refuses a session where it was used last.
_RULE = text(
    f"""SELECT rule.id FROM sessions s CROSS JOIN LATERAL ({live.matching_rule()}) rule WHERE s.id = :id"""
)


def find(db: ReadOnlyDatabase, pasted: str) -> Explanation | None:
    """Explain what a text names: a session by its id or the id's beginning, a user by id or whole e-mail address, or a request
    by its id. Returns None for any other text, and for an unknown id.
    """
    pasted = pasted.strip()
    session_id = parse_uuid(pasted)
    session = session_queries.one(db, session_id) if session_id else _beginning(db, pasted)
    if session is not None:
        return of_session(db, session)
    users = user_queries.named(db, pasted)
    if len(users) == 1:
        return of_user(db, users[0])
    return of_request(db, pasted) if _REQUEST_ID.fullmatch(pasted) else None


def of_session(db: ReadOnlyDatabase, session: SessionDetail) -> Explanation:
    """Explain the requests of a session, and what its next one would meet."""
    refused = _REFUSED.where(_r.c.session_id == session.id).first(db, MOST)
    events = audit_queries.of_session(db, session)
    pairs = session_queries.pairs(db, session.id)
    decisions = [*_told(db, refused, events), *(each for pair in pairs for each in _of_pair(session, pair))]
    return Explanation(_newest(decisions), session, checks=tuple(_checks(db, session)))


def of_user(db: ReadOnlyDatabase, user_id: UUID) -> Explanation:
    """Explain the latest refused requests of a user, and what the audit log has about the user."""
    refused = [RefusedRequest(**row) for row in db.all(_OF_USER, user_id=user_id)]
    events = audit_queries.AUDIT.where(_a.c.user_id == user_id).first(db, MOST)
    return Explanation(_newest(_told(db, refused, events)), user_id=user_id)


def of_request(db: ReadOnlyDatabase, request_id: str) -> Explanation | None:
    """Explain one request by its id; None where nothing is stored about it."""
    refused = _REFUSED.where(_r.c.request_id == request_id, _r.c.request_id != "").first(db, MOST)
    events = audit_queries.AUDIT.where(_a.c.request_id == request_id, _a.c.request_id != "").first(db, MOST)
    decisions = _told(db, refused, events)
    return Explanation(_newest(decisions), request_id=request_id) if decisions else None


def of_place(db: ReadOnlyDatabase, network: str, at: datetime) -> Explanation:
    """Explain the requests from an address or a block within MINUTES of an instant."""
    around = timedelta(minutes=MINUTES)

    def near(table: Any) -> tuple[ColumnElement[bool], ...]:
        inside = table.c.address.op("<<=")(cast(network, INET))
        return (table.c.at >= at - around, table.c.at <= at + around, inside)

    refused = _REFUSED.where(*near(_r)).first(db, MOST)
    events = audit_queries.AUDIT.where(*near(_a)).first(db, MOST)
    return Explanation(_newest([*_told(db, refused, events), *_used(db, network, at, around)]))


def _beginning(db: ReadOnlyDatabase, pasted: str) -> SessionDetail | None:
    found = id_lookup.sessions_beginning(db, pasted)
    return session_queries.one(db, found[0]) if len(found) == 1 else None


def _newest(decisions: Iterable[Decision]) -> list[Decision]:
    return sorted(decisions, key=lambda each: each.at, reverse=True)[:MOST]


def _told(
    db: ReadOnlyDatabase, refused: Sequence[RefusedRequest], events: Sequence[AuditRow]
) -> list[Decision]:
    """Return refused requests and rows of the audit log as decisions. A request that is in both is told once, by its facts."""
    rules = _rules(db, refused)
    known = {(row.request_id, _EVENTS.get(row.why, row.why)) for row in refused}
    told = [_of_refused(row, rules) for row in refused]
    told += [_of_event(row) for row in events if (row.request_id, row.event) not in known]
    return told


# Events of requests that are stored as refused under another code.
_EVENTS: dict[str, str] = {
    EndReason.REPLAYED: EventName.TOKEN_REUSE,
    Withheld.BLOCKED: FlagKind.SESSION_BLOCKED,
    State.EXPIRED: EventName.SESSION_EXPIRED,
    **dict.fromkeys(labels.WITHOUT_KEY, FlagKind.SESSION_USED_WITHOUT_KEY),
}


def _rules(db: ReadOnlyDatabase, refused: Sequence[RefusedRequest]) -> dict[str, DenyRuleRow]:
    ids = {UUID(row.detail["rule"]) for row in refused if "rule" in row.detail}
    if not ids:
        return {}
    found = deny_rules.RULES.where(deny_rules.RULE_ID.in_(ids))
    return {str(row.id): row for row in found.first(db, MOST)}


def _of_refused(row: RefusedRequest, rules: Mapping[str, DenyRuleRow]) -> Decision:
    return Decision(
        row.at,
        Verdict.REFUSED,
        row.why,
        f"Refused: {_because(row, rules)}.",
        row.site,
        row.request_id,
        row.address,
        row.agent,
        row.session_id,
        row.more + 1,
    )


_HALVES = {
    FlagKind.SESSION_WITHOUT_REFRESH_TOKEN: "the session id came without the refresh token that it was issued with",
    FlagKind.REFRESH_WITHOUT_SESSION: "the refresh token came without the session id that it was issued with, and FusionAuth "
    "was not asked",
    FlagKind.CROSS_APP_TOKEN: "the session id was sent to another site than its own",
}


def _because(row: RefusedRequest, rules: Mapping[str, DenyRuleRow]) -> str:
    """Say by which rule a request was refused, and by which facts."""
    facts = row.detail
    if row.why in _HALVES:
        return _HALVES[FlagKind(row.why)]
    if "ended_by" in facts:
        return f"the session had been ended before ({labels.reason(row.why)})"
    if row.why == EndReason.REPLAYED:
        age = facts.get("replaced_seconds")
        old = "of another branch" if age is None else f"replaced {age:,} s earlier"
        return (
            f"pair {facts['pair']}, {old}, came back while pair {facts['head']} holds, last shown by {_who(facts)}: two "
            "browsers hold the cookies, so the session was ended"
        )
    if row.why == Withheld.BLOCKED:
        rule = rules.get(facts.get("rule", ""))
        return f"a deny rule is in force ({_words(rule)})" if rule else "a deny rule was in force"
    if row.why in labels.WITHOUT_KEY:
        return labels.WITHOUT_KEY[row.why]
    if row.why == Withheld.NOT_BOUND:
        return (
            "this site serves only sessions that are bound to a device, and its browser has registered no key"
        )
    if row.why == Withheld.QUARANTINED:
        return f"the session is in quarantine until the password is given again (pair {facts['pair']} was shown, pair {facts['head']} holds)"
    if row.why == State.EXPIRED:
        return "the session's time had run out, or FusionAuth refused to refresh it"
    return f"the session had ended before ({labels.reason(row.why)})"


def _who(facts: Mapping[str, Any]) -> str:
    return f"{user_agents.label(facts.get('last_agent', ''))} at {facts.get('last_address', 'an unknown address')}"


def _words(rule: DenyRuleRow) -> str:
    user = rule.user_name or (str(rule.user_id) if rule.user_id else "")
    return deny_rules.in_words(user, rule.network, rule.device, rule.site)


_VERDICTS: dict[str, Verdict] = {
    EventName.SESSION_CREATED: Verdict.SERVED,
    EventName.SESSION_RENEWED: Verdict.SERVED,
    EventName.SESSION_EXPIRED: Verdict.REFUSED,
    EventName.TOKEN_REUSE: Verdict.REFUSED,
    EventName.LOGIN_FAIL: Verdict.REFUSED,
    EventName.LOGIN_FAIL_MAX: Verdict.REFUSED,
    EventName.LOGIN_LOCK: Verdict.REFUSED,
    EventName.NOT_ALLOWED: Verdict.REFUSED,
    EventName.MADE_UP_SESSION_ID: Verdict.REFUSED,
    EventName.DUPLICATE_COOKIE: Verdict.REFUSED,
    EventName.API_TOKEN_REFUSED: Verdict.REFUSED,
    FlagKind.SESSION_WITHOUT_REFRESH_TOKEN: Verdict.REFUSED,
    FlagKind.REFRESH_WITHOUT_SESSION: Verdict.REFUSED,
    FlagKind.CROSS_APP_TOKEN: Verdict.REFUSED,
    FlagKind.SESSION_USE_AFTER_EXPIRE: Verdict.REFUSED,
    FlagKind.SESSION_BLOCKED: Verdict.REFUSED,
    FlagKind.SESSION_USED_WITHOUT_KEY: Verdict.REFUSED,
    FlagKind.SESSION_BINDING_REFUSED: Verdict.REFUSED,
}


def _of_event(row: AuditRow) -> Decision:
    verdict = _VERDICTS.get(row.event, Verdict.NOTED)
    label = labels.event(row.event)
    parts = [
        label.label,
        f"by {row.actor}" if row.actor else "",
        f"({labels.reason(row.detail['reason'])})" if row.detail.get("reason") else "",
    ]
    said = " ".join(part for part in parts if part) + "."
    more = labels.replay(row) or (labels.flag(row.event).text if row.event in labels.FLAGS else "")
    more = f"{more} {labels.binding_refusal(row)}".strip()
    text_ = f"{said} {more}".strip()
    return Decision(
        row.at,
        verdict,
        row.event,
        text_ if verdict is Verdict.NOTED else f"{verdict.capitalize()}: {text_[0].lower()}{text_[1:]}",
        row.site,
        row.request_id,
        row.address,
        row.agent,
        row.session_id,
    )


def _of_pair(session: SessionDetail, pair: PairRow) -> Iterable[Decision]:
    """Return the requests that a pair tells of: the one in answer to which it was given, and the one that showed it first."""
    served = Decision(
        pair.created_at,
        Verdict.SERVED,
        pair.why,
        f"Served: pair {pair.parent} was shown and held, a successor was due, and pair {pair.number} was handed out.",
        session.site,
        "",
        pair.asked_address,
        pair.asked_agent or "",
        session.id,
    )
    if pair.why == "rotation":
        yield served
    if pair.seen_at and pair.parent:
        yield replace(
            served,
            at=pair.seen_at,
            text=f"Served: pair {pair.number}, which was given for pair {pair.parent}, was shown for the first time.",
            address=pair.seen_address,
            agent=pair.seen_agent or "",
        )


def _used(db: ReadOnlyDatabase, network: str, at: datetime, around: timedelta) -> list[Decision]:
    """Return the sessions that were used from a network around an instant: they were served there."""
    p, s = tables.places, session_queries.s
    found = (
        select(p.c.session_id, p.c.address, p.c.agent, p.c.first_at, p.c.last_at, s.c.site, s.c.user_name)
        .join(s, s.c.id == p.c.session_id)
        .where(
            p.c.address.op("<<=")(cast(network, INET)),
            p.c.first_at <= at + around,
            p.c.last_at >= at - around,
        )
        .order_by(p.c.last_at.desc())
        .limit(MOST)
    )
    return [
        Decision(
            min(max(row["first_at"], at), row["last_at"]),
            Verdict.SERVED,
            "place",
            f"Served: the session of {row['user_name']} was used from here, from {row['first_at']:%Y-%m-%d %H:%M:%S} to "
            f"{row['last_at']:%Y-%m-%d %H:%M:%S} UTC.",
            row["site"],
            "",
            row["address"],
            row["agent"],
            row["session_id"],
        )
        for row in db.all(found)
    ]


def _checks(db: ReadOnlyDatabase, session: SessionDetail) -> Iterable[Check]:
    """Return the rules that the session's next request meets if it comes from where the last one came from."""
    ended = session.ended_at is not None
    yield Check(
        "Not ended",
        not ended,
        f"Ended at {session.ended_at:%Y-%m-%d %H:%M:%S} UTC: {labels.reason(session.end_reason or '')}."
        if ended
        else "Nobody has ended it.",
    )
    gated = session.state is State.REVOKED and not ended
    yield Check(
        "No later revocation",
        not gated,
        "A revocation of its user, its site or everyone came after its login."
        if gated
        else "No revocation of its user, its site or everyone came after its login.",
    )
    over = session.state is State.EXPIRED and not ended
    refresh = session.state is State.DORMANT
    yield Check(
        "In time",
        not over,
        f"Its time has run out: idle since {session.idle_end:%Y-%m-%d %H:%M:%S}, at the latest over at "
        f"{session.absolute_end:%Y-%m-%d %H:%M:%S} UTC."
        if over
        else "It has idled out: its next request asks FusionAuth to refresh it, and is served if FusionAuth agrees."
        if refresh
        else f"Idle timeout at {session.idle_end:%Y-%m-%d %H:%M:%S} UTC, unless it is used before.",
    )
    device = user_agents.text(session.last_agent)
    found = db.one(_RULE, id=session.id, address=session.last_address, device=device)
    rule = deny_rules.one(db, found["id"]) if found else None
    yield Check(
        "No deny rule",
        rule is None,
        f"A deny rule refuses it: {_words(rule)}."
        if rule
        else "No deny rule refuses it where it was used last.",
    )
    quarantined = session.in_quarantine
    yield Check(
        "Not in quarantine",
        not quarantined,
        f"In quarantine: {labels.reason(session.quarantine_reason or '')}. It asks for the password."
        if quarantined
        else "It is not in quarantine.",
    )
    if session.binding is BindingState.BOUND:
        yield Check(
            "With its device key",
            True,
            "It is bound to a device: without a proof of that device's key, no request is served. The browser sends it by "
            "itself.",
        )
