"""What each operation of the document does: one function each, under its `operationId`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import text
from webob.multidict import MultiDict

from .. import paging
from ..admin import counting, plans, queries, trail
from ..admin.filters import SessionFilter
from ..admin.forms import Target
from ..sessions import Reason, TooFar, client_of
from ..sessions.tokens import as_uuid
from . import answers, feed, reasons
from .openapi import FILTERS, document
from .problems import Problem
from .replays import Key, Outcome

_ALL = "everyone:revoke"


@dataclass(frozen=True)
class Given:
    """What a call came with, checked against the document."""

    query: Mapping[str, Any]
    body: Any


def describe(request: Request, given: Given) -> Response:
    """The document itself, for everybody."""
    return answers.reply(document(request.site.url))


def list_sessions(request: Request, given: Given) -> Response:
    """The console's list: the same filters, the same statement."""
    form = _filter({name: given.query[name] for name in FILTERS if name in given.query}, "")
    cursor, db = given.query.get("cursor", ""), request.reading
    if (
        cursor
        and paging.decode(cursor, tuple(c.type.python_type for c in (queries.CREATED_AT, queries.ID))) is None
    ):
        raise invalid(cursor="This is no cursor: pass `next` as it came.")
    where = queries.conditions(db, form)
    part = paging.fetch(
        db,
        queries.listed().where(*where),
        queries.CREATED_AT,
        queries.ID,
        cursor=cursor,
        size=given.query["limit"],
    )
    found = counting.count(db, where)
    count = len(part.rows) if found is None else min(found, counting.CAP)
    total = {"count": count, "exact": found is not None and found <= counting.CAP}
    response = answers.reply(
        {"sessions": [answers.session(row) for row in part.rows], "next": part.older, "total": total}
    )
    if part.older:
        query = urlencode({**given.query, "cursor": part.older})
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return response


def get_session(request: Request, given: Given) -> Response:
    """One session, with where it was seen and its timeline, latest first."""
    row = queries.one(request.reading, _id(request))
    if row is None:
        raise Problem(404, "There is no such session.")
    timeline = [answers.event(event) for event in trail.of_session(request.reading, row)]
    places = [answers.place(place) for place in queries.places(request.reading, row["id"])]
    return answers.reply({**answers.session(row), "timeline": timeline, "seen_at": places})


def end_session(request: Request, given: Given) -> Response:
    """End one. What has ended already stays as it is."""
    session_id = _id(request)
    plan = plans.make(request.reading, Target(sessions=(session_id,)), None)
    _weigh(request, plan)
    if plan.matched:
        _carry_out(request, plan, reasons.because(request.identity.actor, {"code": "other"}))
    elif queries.one(request.reading, session_id) is None:
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
        replay = Key(request.db, request.identity, request.id, key, given.body)
        outcome = replay.once(lambda: _revoke(request, target, given.body), lambda i: _receipt(request, i))
    headers = {"Idempotent_Replayed": "true"} if outcome.known else {}
    if outcome.status == 201:
        headers["Location"] = f"/api/v1/revocations/{outcome.body['id']}"
    return answers.reply(outcome.body, outcome.status, **headers)


def get_revocation(request: Request, given: Given) -> Response:
    """The receipt as it stands now."""
    revocation_id = _id(request)
    row = trail.counted(request.reading, [revocation_id]).get(revocation_id)
    if row is None:
        raise Problem(404, "There is no such revocation.")
    told = ("created_at", "scope", "typed", "site", "user_id", "initiating_entity", "actor")
    reason = {"code": row["reason_code"], "text": row["reason_admin"], "user_text": row["reason_user"]}
    return answers.reply({**answers.receipt(row), **{name: row[name] for name in told}, "reason": reason})


def list_events(request: Request, given: Given) -> Response:
    """The next events."""
    query = given.query
    types = query["types"].split(",") if "types" in query else []
    try:
        rows, following = feed.read(request.sessions, query["after"], types, query["limit"])
    except feed.Ahead:
        raise Problem(409, "The log ends before that number: it is not the one you have read.") from None
    events = [answers.event(row) for row in rows]
    offers = request.accept.acceptable_offers(["application/json", "application/x-ndjson"])
    if offers and offers[0][0] == "application/x-ndjson":
        return answers.lines(events)
    return answers.reply({"events": events, "next": following})


_OF_EMAIL = text("SELECT DISTINCT user_id FROM sessions WHERE lower(user_email) = lower(:email)")
_SEEN = text(
    "SELECT 1 AS seen WHERE EXISTS (SELECT 1 FROM sessions WHERE user_id = :id) "
    "OR EXISTS (SELECT 1 FROM audit_log WHERE user_id = :id)"
)


def revoke_user(request: Request, given: Given) -> Response:
    """End all sessions of one user, whom the sites have seen before."""
    subject, db = given.body["sub_id"], request.reading
    if subject["format"] == "email":
        users = [row["user_id"] for row in db.all(_OF_EMAIL, email=subject["email"])]
    else:
        user_id = _subject(request, subject)
        users = [user_id] if user_id and db.one(_SEEN, id=user_id) else []
    if not users:
        raise Problem(404, "There is no such user.")
    reason = reasons.because(request.identity.actor, {"code": "incident", "text": "global token revocation"})
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
    return as_uuid(subject["sub"]) if subject["iss"].rstrip("/") == request.issuer else None


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
    plan = plans.make(request.reading, target, None, counted=counted)
    if plan.scope is None:
        raise Problem(422, plan.problem, errors=[{"field": "scope", "detail": plan.problem}])
    _weigh(request, plan)
    if expected is not None and not (plan.exact and expected == plan.matched):
        found = f"{'' if plan.exact else 'at least '}{plan.matched:,}"
        raise Problem(
            409, f"It holds {found} sessions now, not {expected:,}.", matched=plan.matched, exact=plan.exact
        )
    if body.get("dry_run"):
        return Outcome(200, answers.counted(plan.matched, exact=plan.exact))
    return _receipt(
        request, _carry_out(request, plan, reasons.because(request.identity.actor, body["reason"]))
    )


def _carry_out(request: Request, plan: plans.Plan, reason: Reason) -> UUID:
    """End what the plan holds. Raises Problem for what reaches further than the token may, its earlier acts included."""
    limit = plans.limit(unlimited=bool(request.has_permission(_ALL)))
    try:
        return plans.carry_out(request.sessions, plan, reason, client_of(request), limit=limit)
    except TooFar as error:
        request.refused("reach", request.identity, missing=_ALL)
        detail = f"{error} The token lacks the scope {_ALL}."
        raise Problem(403, detail, missing_scope=_ALL) from None


def _weigh(request: Request, plan: plans.Plan) -> None:
    """Refuse a token without the scope that the plan's reach takes. Raises HTTPForbidden."""
    _require(request, _ALL if plan.wide else "sessions:revoke")


def _receipt(request: Request, revocation_id: UUID) -> Outcome:
    row = trail.counted(request.reading, [revocation_id])[revocation_id]
    return Outcome(201, answers.receipt(row))


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
    form = SessionFilter(MultiDict(fields))
    if not form.validate():
        errors = {at + name: " ".join(map(str, wrong)) for name, wrong in form.errors.items()}
        raise invalid(**errors)
    # What is blank would filter by nothing, and so match everything.
    blank = [name for name in fields if not form[name].data]
    if blank:
        raise invalid(**{at + name: "must not be blank." for name in blank})
    return form


def _require(request: Request, scope: str) -> None:
    """Refuse a token without the scope, as the view's own would be. Raises HTTPForbidden."""
    request.require(scope)


def _id(request: Request) -> UUID:
    found = as_uuid(request.matchdict["id"])
    if found is None:
        raise Problem(404, "There is nothing at this address.")
    return found
