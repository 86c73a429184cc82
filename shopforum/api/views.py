"""What each operation of the document does: one function each, under its `operationId`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from pyramid.response import Response

from ..core import paging
from ..core.ids import parse_uuid
from ..operations import (
    audit_queries,
    counts,
    event_feed,
    json_documents,
    plans,
    reasons,
    session_queries,
    user_queries,
)
from ..operations.filters import FilterError, SessionFilter
from ..operations.targets import Target
from ..sessions import Reason, TooFar, client_of
from . import responses
from .idempotency import Key, Outcome
from .openapi import FILTERS, document
from .problems import Problem
from .request import ApiRequest as Request
from .security_policy import refused

_ALL = "everyone:revoke"


@dataclass(frozen=True)
class Given:
    """What a call came with, checked against the document."""

    query: Mapping[str, Any]
    body: Any


def describe(request: Request, given: Given) -> Response:
    """The document itself, for everybody."""
    return responses.reply(document(request.site.url))


def list_sessions(request: Request, given: Given) -> Response:
    """The console's list: the same filters, the same statement."""
    chosen = _filter({name: given.query[name] for name in FILTERS if name in given.query}, "")
    cursor, db = given.query.get("cursor", ""), request.read_db
    if (
        cursor
        and paging.decode(
            cursor, tuple(c.type.python_type for c in (session_queries.CREATED_AT, session_queries.ID))
        )
        is None
    ):
        raise invalid(cursor="This is no cursor: pass `next` as it came.")
    where = session_queries.conditions(db, chosen)
    part = paging.fetch(
        db,
        session_queries.listed().where(*where),
        session_queries.CREATED_AT,
        session_queries.ID,
        cursor=cursor,
        size=given.query["limit"],
    )
    found = counts.count(db, where)
    count = len(part.rows) if found is None else min(found, counts.CAP)
    total = {"count": count, "exact": found is not None and found <= counts.CAP}
    response = responses.reply(
        {"sessions": [json_documents.session(row) for row in part.rows], "next": part.older, "total": total}
    )
    if part.older:
        query = urlencode({**given.query, "cursor": part.older})
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return response


def get_session(request: Request, given: Given) -> Response:
    """One session, with where it was seen and its timeline, latest first."""
    row = session_queries.one(request.read_db, _id(request))
    if row is None:
        raise Problem(404, "There is no such session.")
    timeline = [json_documents.event(event) for event in audit_queries.of_session(request.read_db, row)]
    places = [json_documents.place(place) for place in session_queries.places(request.read_db, row["id"])]
    return responses.reply({**json_documents.session(row), "timeline": timeline, "seen_at": places})


def end_session(request: Request, given: Given) -> Response:
    """End one. What has ended already stays as it is."""
    session_id = _id(request)
    plan = plans.make(request.read_db, Target(sessions=(session_id,)), None)
    _weigh(request, plan)
    if plan.matched:
        _carry_out(request, plan, reasons.because(request.token.actor, {"code": "other"}))
    elif session_queries.one(request.read_db, session_id) is None:
        raise Problem(404, "There is no such session.")
    return Response(status=204)


def revoke(request: Request, given: Given) -> Response:
    """End what the scope holds, once where the call has an Idempotency-Key."""
    target = _target(given.body["scope"])
    if target.everyone or target.whole_site:
        _require(request, _ALL)
    key = request.headers.get("Idempotency-Key")
    if key is None or given.body.get("dry_run"):
        outcome = _revoke(request, target, given.body)
    else:
        replay = Key(request.db, request.token, request.id, key, given.body)
        outcome = replay.once(lambda: _revoke(request, target, given.body), lambda i: _receipt(request, i))
    headers = {"Idempotent_Replayed": "true"} if outcome.known else {}
    if outcome.status == 201:
        headers["Location"] = f"/api/v1/revocations/{outcome.body['id']}"
    return responses.reply(outcome.body, outcome.status, **headers)


def get_revocation(request: Request, given: Given) -> Response:
    """The receipt as it stands now."""
    revocation_id = _id(request)
    row = audit_queries.counted(request.read_db, [revocation_id]).get(revocation_id)
    if row is None:
        raise Problem(404, "There is no such revocation.")
    told = ("created_at", "scope", "typed", "site", "user_id", "initiating_entity", "actor")
    reason = {"code": row["reason_code"], "text": row["reason_admin"], "user_text": row["reason_user"]}
    return responses.reply(
        {**json_documents.receipt(row), **{name: row[name] for name in told}, "reason": reason}
    )


def list_events(request: Request, given: Given) -> Response:
    """The next events."""
    query = given.query
    types = query["types"].split(",") if "types" in query else []
    try:
        rows, following = event_feed.read(request.sessions, query["after"], types, query["limit"])
    except event_feed.Ahead:
        raise Problem(409, "The log ends before that number: it is not the one you have read.") from None
    events = [json_documents.event(row) for row in rows]
    offers = request.accept.acceptable_offers(["application/json", "application/x-ndjson"])
    if offers and offers[0][0] == "application/x-ndjson":
        return responses.lines(events)
    return responses.reply({"events": events, "next": following})


def revoke_user(request: Request, given: Given) -> Response:
    """End all sessions of one user, whom the sites have seen before."""
    subject, db = given.body["sub_id"], request.read_db
    if subject["format"] == "email":
        users = user_queries.of_email(db, subject["email"])
    else:
        user_id = _subject(request, subject)
        users = [user_id] if user_id and user_queries.seen(db, user_id) else []
    if not users:
        raise Problem(404, "There is no such user.")
    reason = reasons.because(request.token.actor, {"code": "incident", "text": "global token revocation"})
    found = [plans.make(db, Target(user_id=user_id), None) for user_id in users]
    for plan in found:
        _weigh(request, plan)
    for plan in found:
        _carry_out(request, plan, reason)
    return Response(status=204)


def _subject(request: Request, subject: dict[str, str]) -> UUID | None:
    """The user's id, or None for somebody else's subject."""
    if subject["format"] == "opaque":
        return UUID(subject["id"])
    return parse_uuid(subject["sub"]) if subject["iss"].rstrip("/") == request.services.issuer else None


def invalid(**errors: str) -> Problem:
    """422, with what is wrong in each field."""
    found = [{"field": name.replace("__", "."), "detail": detail} for name, detail in errors.items()]
    return Problem(422, "Some of it does not pass.", errors=found)


def _revoke(request: Request, target: Target, body: dict[str, Any]) -> Outcome:
    """Make the plan, hold it against what was expected, and carry it out. Where nobody asks for a count, the end of a site
    or of everyone waits for none.
    """
    expected = body.get("expected_count")
    counted = bool(body.get("dry_run")) or expected is not None
    plan = plans.make(request.read_db, target, None, counted=counted)
    if plan.scope is None:
        raise Problem(422, plan.problem, errors=[{"field": "scope", "detail": plan.problem}])
    _weigh(request, plan)
    if expected is not None and not (plan.exact and expected == plan.matched):
        found = f"{'' if plan.exact else 'at least '}{plan.matched:,}"
        raise Problem(
            409, f"It holds {found} sessions now, not {expected:,}.", matched=plan.matched, exact=plan.exact
        )
    if body.get("dry_run"):
        return Outcome(200, json_documents.counted(plan.matched, exact=plan.exact))
    return _receipt(request, _carry_out(request, plan, reasons.because(request.token.actor, body["reason"])))


def _carry_out(request: Request, plan: plans.Plan, reason: Reason) -> UUID:
    """End what the plan holds. Raises Problem for what reaches further than the token may, its earlier acts included."""
    limit = plans.limit(unlimited=bool(request.has_permission(_ALL)))
    try:
        return plans.carry_out(request.sessions, plan, reason, client_of(request), limit=limit)
    except TooFar as error:
        refused(request, "reach", request.identity, missing=_ALL)
        detail = f"{error} The token lacks the scope {_ALL}."
        raise Problem(403, detail, missing_scope=_ALL) from None


def _weigh(request: Request, plan: plans.Plan) -> None:
    """Refuse a token without the scope that the plan's reach takes. Raises HTTPForbidden."""
    _require(request, _ALL if plan.wide else "sessions:revoke")


def _receipt(request: Request, revocation_id: UUID) -> Outcome:
    row = audit_queries.counted(request.read_db, [revocation_id])[revocation_id]
    return Outcome(201, json_documents.receipt(row))


def _target(scope: dict[str, Any]) -> Target:
    """What a scope names, for the plan. Raises Problem for a filter that makes no sense."""
    if "everyone" in scope:
        return Target(everyone=True)
    if "session" in scope or "sessions" in scope:
        ids = [scope["session"]] if "session" in scope else scope["sessions"]
        return Target(sessions=tuple(dict.fromkeys(map(UUID, ids))))
    if "ip" in scope:
        return Target(filter=_filter({"ip": scope["ip"]}, "scope.").query())
    if "filter" in scope:
        return Target(filter=_filter(scope["filter"], "scope.filter.").query())
    return Target(user_id=UUID(scope["user"]) if "user" in scope else None, site=scope.get("site"))


def _filter(fields: Mapping[str, str], at: str) -> SessionFilter:
    try:
        found = SessionFilter.parse(fields)
    except FilterError as error:
        raise invalid(**{at + name: why for name, why in error.errors.items()}) from None
    # What is blank would filter by nothing, and so match everything.
    if blank := found.blank(fields):
        raise invalid(**{at + name: "must not be blank." for name in blank})
    return found


def _require(request: Request, scope: str) -> None:
    """Refuse a token without the scope, as the view's own would be. Raises HTTPForbidden."""
    request.require(scope)


def _id(request: Request) -> UUID:
    found = parse_uuid(request.matchdict["id"])
    if found is None:
        raise Problem(404, "There is nothing at this address.")
    return found
