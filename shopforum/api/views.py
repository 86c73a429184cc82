"""The operations of the document, a function each under its `operationId`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from pyramid.response import Response

from ..api_tokens import tokens
from ..core.ids import parse_uuid
from ..core.listing import Listing, Row
from ..core.paging import Slice
from ..core.sites import ADMIN
from ..core.text import clean
from ..operations import (
    act_queries,
    approval_requests,
    approvals,
    audit_queries,
    counts,
    deny_rules,
    event_feed,
    explain,
    incidents,
    json_documents,
    labels,
    plans,
    reasons,
    revocation_queries,
    session_queries,
    user_queries,
)
from ..operations.approval_requests import Asker, Waiting
from ..operations.approvals import Act, Kind
from ..operations.audit_queries import Made
from ..operations.deny_rules import DenyRuleRow, Weight
from ..operations.filters import FilterError, SessionFilter
from ..operations.incidents import Incident, NotAnIncident
from ..operations.limits import BeyondReach
from ..operations.rows import ActRow, Receipt, SessionDetail
from ..operations.targets import Target
from ..sessions import Limit, Reason, Rule, ShutOut, TooFar, client_of
from ..sessions.deny_rules import Maker
from . import responses
from .idempotency import Key, Outcome
from .openapi import FILTERS, document
from .problems import Problem
from .request import ApiRequest as Request
from .security_policy import refused

_ALL = "everyone:revoke"
_SHUT_OUT = (
    "This rule, or another one, would refuse this token's own calls. Choose a site, or a smaller network."
)


@dataclass(frozen=True)
class Given:
    """The query and the body of a call, checked against the document."""

    query: Mapping[str, Any]
    body: Any


def describe(request: Request, given: Given) -> Response:
    """Return the document itself, without a token."""
    return responses.reply(document(request.site.url))


def list_sessions(request: Request, given: Given) -> Response:
    """Return the console's list, by the same filters and the same statement."""
    chosen = _filter({name: given.query[name] for name in FILTERS if name in given.query}, "")
    where = session_queries.conditions(request.read_db, chosen)
    part = _part(request, given, session_queries.SESSIONS.where(*where))
    found = counts.count(request.read_db, where)
    count = len(part.rows) if found is None else min(found, counts.CAP)
    total = {"count": count, "exact": found is not None and found <= counts.CAP}
    response = responses.reply(
        {"sessions": [json_documents.session(row) for row in part.rows], "next": part.older, "total": total}
    )
    return _linked(request, given, response, part.older)


def _part(request: Request, given: Given, listing: Listing[Row]) -> Slice[Row]:
    """Return the part of a list that the call's cursor and limit name. Raises Problem for a cursor of another list."""
    cursor = given.query.get("cursor", "")
    if cursor and not listing.takes(cursor):
        raise invalid(cursor="This is not a cursor: pass `next` unchanged.")
    return listing.part(request.read_db, cursor, given.query["limit"])


def _linked(request: Request, given: Given, response: Response, following: str | None) -> Response:
    """Add the link to the next page, if there is one (RFC 8288)."""
    if following:
        query = urlencode({**given.query, "cursor": following})
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return response


def get_session(request: Request, given: Given) -> Response:
    """Return a session with its places and its timeline, latest first."""
    row = _session(request)
    timeline = [json_documents.event(event) for event in audit_queries.of_session(request.read_db, row)]
    places = [json_documents.place(place) for place in session_queries.places(request.read_db, row.id)]
    return responses.reply({**json_documents.session(row), "timeline": timeline, "seen_at": places})


def explain_session(request: Request, given: Given) -> Response:
    """Return why requests of a session were served or refused."""
    return responses.reply(json_documents.explanation(explain.of_session(request.read_db, _session(request))))


def list_session_acts(request: Request, given: Given) -> Response:
    """Return what was done on a session."""
    return _acts(request, given, act_queries.of_session(_session(request).id))


def list_incident_acts(request: Request, given: Given) -> Response:
    """Return what was done on the sessions that an incident has ended."""
    incident = _incident(request, _id(request))
    return _acts(request, given, incidents.session_acts(incidents.acts(request.read_db, incident)))


def _acts(request: Request, given: Given, listing: Listing[ActRow]) -> Response:
    part = _part(request, given, listing)
    found = {"acts": [json_documents.act(row) for row in part.rows], "next": part.older}
    return _linked(request, given, responses.reply(found), part.older)


def _session(request: Request) -> SessionDetail:
    row = session_queries.one(request.read_db, _id(request))
    if row is None:
        raise Problem(404, "There is no such session.")
    return row


def end_session(request: Request, given: Given) -> Response:
    """End a session. One that has ended stays as it is."""
    session_id = _id(request)
    plan = plans.make(request.read_db, Target(sessions=(session_id,)), None)
    _check_scope(request, plan)
    if plan.matched:
        try:
            _carry_out(request, plan, _reason(request, {"code": "other"}))
        except Waiting as waiting:
            return _answer(_waiting(request, waiting))
    elif session_queries.one(request.read_db, session_id) is None:
        raise Problem(404, "There is no such session.")
    return Response(status=204)


def revoke(request: Request, given: Given) -> Response:
    """End the sessions of a scope; only once where the call has an Idempotency-Key."""
    target = _target(given.body["scope"])
    if target.everyone or target.whole_site:
        request.require(_ALL)
    outcome = _once(
        request,
        given.body,
        lambda: _revoke(request, target, given.body),
        lambda made: _receipt(request, made.revocation_id),
    )
    return _answer(outcome, "revocations")


def get_revocation(request: Request, given: Given) -> Response:
    """Return a receipt as it stands now."""
    return responses.reply(json_documents.revocation(_revocation(request)))


def _revocation(request: Request) -> Receipt:
    row = revocation_queries.receipt(request.read_db, _id(request))
    if row is None:
        raise Problem(404, "There is no such revocation.")
    return row


def list_rules(request: Request, given: Given) -> Response:
    """Return deny rules, newest first."""
    part = _part(request, given, deny_rules.RULES)
    return responses.reply({"rules": [json_documents.rule(row) for row in part.rows], "next": part.older})


def add_rule(request: Request, given: Given) -> Response:
    """Put a deny rule into force; only once where the call has an Idempotency-Key."""
    body = given.body
    chosen = _filter({name: body[name] for name in deny_rules.FIELDS if name in body}, "")
    try:
        rule = deny_rules.of_words(request.read_db, chosen, body["seconds"])
    except ValueError as error:
        raise Problem(422, str(error)) from None
    outcome = _once(
        request, body, lambda: _add_rule(request, rule, body), lambda made: _rule_made(request, made.rule_id)
    )
    return _answer(outcome)


def lift_rule(request: Request, given: Given) -> Response:
    """Lift a deny rule. One that is over stays as it is."""
    row = _rule(request, _id(request))
    if row.state == deny_rules.IN_FORCE:
        _weigh(request, row.rule)
        note = clean(given.query.get("text", ""), 2000)
        request.sessions.lift_rule(row.id, request.token.actor, client_of(request), note)
    return Response(status=204)


def list_incidents(request: Request, given: Given) -> Response:
    """Return incidents, newest first."""
    part = _part(request, given, incidents.INCIDENTS)
    rows = [json_documents.incident(row) for row in part.rows]
    return responses.reply({"incidents": rows, "next": part.older})


def open_incident(request: Request, given: Given) -> Response:
    """Open an incident."""
    body = given.body
    named = {"filter.": body["filter"]} if "filter" in body else {}
    named |= {f"filters[{n}].": one for n, one in enumerate(body.get("filters", []))}
    chosen = [_incident_filter(request, fields, at) for at, fields in named.items()]
    reason = _reason(request, {"code": "incident", **body.get("reason", {})})
    name, ticket = clean(body["name"], 120), clean(body.get("ticket", ""), 120)
    if not name:
        raise invalid(name="must not be blank.")
    made = incidents.begin(request.db, name, ticket, chosen, reason, client_of(request))
    return responses.reply(_incident_status(request, _incident(request, made)), 201)


def add_filter(request: Request, given: Given) -> Response:
    """Have an incident be about the sessions of one more filter."""
    return _change_filters(request, given, incidents.add_filter)


def remove_filter(request: Request, given: Given) -> Response:
    """Have an incident not be about the sessions of a filter any more."""
    return _change_filters(request, given, incidents.remove_filter)


def _change_filters(request: Request, given: Given, change: Callable[..., None]) -> Response:
    incident = _incident(request, _id(request))
    if incident.closed_at:
        raise Problem(409, "The incident is closed.")
    chosen = _incident_filter(request, given.body["filter"], "filter.")
    try:
        change(request.db, incident, chosen, request.token.actor, client_of(request))
    except NotAnIncident as error:
        raise Problem(422, str(error)) from None
    return responses.reply(_incident_status(request, _incident(request, incident.id)))


def _incident_filter(request: Request, fields: Mapping[str, str], at: str) -> SessionFilter:
    return incidents.named(request.read_db, _filter(fields, at))


def get_incident(request: Request, given: Given) -> Response:
    """Return an incident as it stands now."""
    return responses.reply(_incident_status(request, _incident(request, _id(request))))


def contain_incident(request: Request, given: Given) -> Response:
    """Contain an incident; a dry run only judges its reach."""
    incident, seconds = _incident(request, _id(request)), given.body["seconds"]
    if incident.closed_at:
        raise Problem(409, "The incident is closed.")
    found = incidents.outlook(request.read_db, incident, seconds)
    if found.plan.scope is None:
        raise Problem(422, found.plan.problem)
    with _judged(request):
        incidents.check_reach(request.sessions, found, unlimited=_unlimited(request))
    if not given.body.get("dry_run"):
        act = approvals.containing(incident, found, seconds, request.token.actor)
        try:
            with _within_scope(request, act) as limit:
                _contain(request, incident, seconds, limit)
        except Waiting as waiting:
            return _answer(_waiting(request, waiting))
    return responses.reply(_incident_status(request, incident))


def _contain(request: Request, incident: Incident, seconds: float, limit: Limit | None) -> None:
    try:
        incidents.contain(
            request.sessions,
            request.read_db,
            incident,
            request.token.actor,
            client_of(request),
            seconds=seconds,
            maker=Maker(request.token.maker_id, ADMIN),
            limit=limit,
        )
    except ShutOut:
        raise Problem(422, _SHUT_OUT) from None


def _incident(request: Request, incident_id: UUID) -> Incident:
    row = incidents.one(request.read_db, incident_id)
    if row is None:
        raise Problem(404, "There is no such incident.")
    return row


def _incident_status(request: Request, incident: Incident) -> dict[str, Any]:
    return json_documents.incident_status(incidents.report(request.read_db, incident))


def list_revoked(request: Request, given: Given) -> Response:
    """Return the sessions that a revocation has ended, newest sign-in first."""
    row = _revocation(request)
    part = _part(request, given, session_queries.ended_by(row.id))
    total = {"count": row.matched, "exact": row.exact}
    rows = [json_documents.session(session) for session in part.rows]
    return _linked(
        request, given, responses.reply({"sessions": rows, "next": part.older, "total": total}), part.older
    )


def list_events(request: Request, given: Given) -> Response:
    """Return the next events of the audit log."""
    query = given.query
    types = query["types"].split(",") if "types" in query else []
    if unknown := sorted(set(types) - labels.EVENTS.keys()):
        raise invalid(types=f"{', '.join(unknown)}: unknown. Known: {', '.join(sorted(labels.EVENTS))}.")
    try:
        rows, following = event_feed.read(request.sessions, query["after"], types, query["limit"])
    except event_feed.Ahead:
        detail = "The log ends before that number: it is not the log you have read."
        raise Problem("cursor-ahead", detail) from None
    events = [json_documents.event(row) for row in rows]
    offers = request.accept.acceptable_offers(["application/json", "application/x-ndjson"])
    if offers and offers[0][0] == "application/x-ndjson":
        return responses.lines(events)
    return responses.reply({"events": events, "next": following})


def get_approval(request: Request, given: Given) -> Response:
    """Return a request for approval as it stands now."""
    return responses.reply(_approval(request, _id(request)))


def _approval(request: Request, approval_id: UUID) -> dict[str, Any]:
    row = approvals.one(request.read_db, approval_id)
    if row is None:
        raise Problem(404, "There is no such request for approval.")
    return json_documents.approval(row, f"{request.site.url}/approvals/{row.id}")


def _waiting(request: Request, waiting: Waiting) -> Outcome:
    """Return the response of an act that waits for a second owner."""
    return Outcome(202, _approval(request, waiting.approval_id))


def revoke_user(request: Request, given: Given) -> Response:
    """End all sessions of a user whom the sites know."""
    subject, db = given.body["sub_id"], request.read_db
    if subject["format"] == "email":
        users = user_queries.of_email(db, subject["email"])
    else:
        user_id = _user_id(request, subject)
        users = [user_id] if user_id and user_queries.seen(db, user_id) else []
    if not users:
        raise Problem(404, "There is no such user.")
    reason = _reason(request, {"code": "incident", "text": "global token revocation"})
    found = [plans.make(db, Target(user_id=user_id), None) for user_id in users]
    for plan in found:
        _check_scope(request, plan)
    try:
        for plan in found:
            _carry_out(request, plan, reason)
    except Waiting as waiting:
        return _answer(_waiting(request, waiting))
    return Response(status=204)


def _user_id(request: Request, subject: dict[str, str]) -> UUID | None:
    """Return the user's id, or None for a subject of another issuer."""
    if subject["format"] == "opaque":
        return UUID(subject["id"])
    return parse_uuid(subject["sub"]) if subject["iss"].rstrip("/") == request.services.issuer else None


def invalid(**errors: str) -> Problem:
    """Return a 422 with the error of each field."""
    found = [{"field": name.replace("__", "."), "detail": detail} for name, detail in errors.items()]
    return Problem(422, "Some fields are not valid.", errors=found)


def _revoke(request: Request, target: Target, body: dict[str, Any]) -> Outcome:
    """Make the plan, compare it with the expected count, and carry it out. The sessions of a site or of everyone are counted
    only where the call asks for a count.
    """
    expected = body.get("expected_count")
    counted = bool(body.get("dry_run")) or expected is not None
    plan = plans.make(request.read_db, target, None, counted=counted)
    if plan.scope is None:
        raise Problem(422, plan.problem, errors=[{"field": "scope", "detail": plan.problem}])
    _check_scope(request, plan)
    if expected is not None and not (plan.exact and expected == plan.matched):
        found = f"{'' if plan.exact else 'At least '}{plan.matched:,}"
        detail = f"{found} sessions match now, not {expected:,}."
        raise Problem("count-changed", detail, matched=plan.matched, exact=plan.exact)
    if body.get("dry_run"):
        return Outcome(200, json_documents.dry_run(plan.matched, exact=plan.exact))
    return _receipt(request, _carry_out(request, plan, _reason(request, body["reason"])))


def _carry_out(request: Request, plan: plans.Plan, reason: Reason) -> UUID:
    """End the sessions of a plan. Raises Problem where the token's acts of an hour reach further than the token may."""
    with _within_scope(request, approvals.ending(Kind.REVOKE, plan, reason)) as limit:
        return plans.carry_out(request.sessions, plan, reason, client_of(request), limit=limit)


@contextmanager
def _within_scope(request: Request, act: Act) -> Iterator[Limit | None]:
    """Give the limit of this token's acts. Raises Problem as `_judged` does, and Waiting for an act that takes a second owner: one
    who has not made the token.
    """
    token = request.token
    names = tokens.actors(request.db, token.maker_id) if token.maker_id else frozenset()
    asker = Asker(
        token.actor,
        client_of(request),
        _unlimited(request),
        user_id=token.maker_id,
        names=names,
        token_id=token.id,
    )
    office = request.services.office
    try:
        with (
            _judged(request),
            approval_requests.within(office, request.db, request.read_db, asker, act) as limit,
        ):
            yield limit
    except approval_requests.TooManyRequests as error:
        raise Problem(429, str(error), headers={"Retry-After": str(approvals.LIFE)}) from None


def _unlimited(request: Request) -> bool:
    return bool(request.has_permission(_ALL))


@contextmanager
def _judged(request: Request) -> Iterator[None]:
    """Raise Problem, which the audit log records, for an act beyond the reach of this token."""
    try:
        yield
    except (TooFar, BeyondReach) as error:
        refused(request, "reach", request.identity, missing=_ALL)
        detail = f"{error} The token lacks the scope {_ALL}."
        raise Problem(403, detail, missing_scope=_ALL) from None


def _add_rule(request: Request, rule: Rule, body: dict[str, Any]) -> Outcome:
    """Weigh a rule and put it into force; a dry run only weighs it."""
    weight = _weigh(request, rule)
    if body.get("dry_run"):
        return Outcome(200, json_documents.weight(weight))
    maker, reason = Maker(request.token.maker_id, ADMIN), _reason(request, body["reason"])
    try:
        with _within_scope(request, approvals.refusing(rule, weight, reason)) as limit:
            rule_id = request.sessions.add_rule(
                rule,
                reason,
                client_of(request),
                maker=maker,
                reached=weight.plan.ids,
                limit=limit,
            )
    except ShutOut:
        raise Problem(422, _SHUT_OUT) from None
    return _rule_made(request, rule_id, weight)


def _weigh(request: Request, rule: Rule) -> Weight:
    """Weigh a rule. Raises Problem where the token may not add or lift it."""
    weight = deny_rules.weigh(request.read_db, rule, None)
    with _judged(request):
        deny_rules.check_reach(request.sessions.authority, rule, weight, unlimited=_unlimited(request))
    return weight


def _rule_made(request: Request, rule_id: UUID | None, weight: Weight | None = None) -> Outcome:
    """Return the response of a rule that was made, weighed again where its weight is not at hand."""
    row = _rule(request, rule_id)
    weight = weight or deny_rules.weigh(request.read_db, row.rule, None)
    return Outcome(201, json_documents.rule_made(row, weight))


def _rule(request: Request, rule_id: UUID | None) -> DenyRuleRow:
    row = deny_rules.one(request.read_db, rule_id) if rule_id else None
    if row is None:
        raise Problem(404, "There is no such rule.")
    return row


def _once(
    request: Request, body: dict[str, Any], act: Callable[[], Outcome], receipt: Callable[[Made], Outcome]
) -> Outcome:
    """Do an act; only once where the call has an Idempotency-Key and is no dry run."""

    def act_or_ask() -> Outcome:
        try:
            return act()
        except Waiting as waiting:
            return _waiting(request, waiting)

    key = request.headers.get("Idempotency-Key")
    if key is None or body.get("dry_run"):
        return act_or_ask()
    return Key(request.db, request.token, request.id, key, body).once(act_or_ask, receipt)


def _answer(outcome: Outcome, collection: str = "") -> Response:
    """Return the response of an outcome, with the address of what was made where the `collection` has one for each."""
    headers = {"Idempotent_Replayed": "true"} if outcome.replayed else {}
    if outcome.status == 202:
        headers["Location"] = f"/api/v1/approvals/{outcome.body['id']}"
    if outcome.status == 201 and collection:
        headers["Location"] = f"/api/v1/{collection}/{outcome.body['id']}"
    return responses.reply(outcome.body, outcome.status, **headers)


def _check_scope(request: Request, plan: plans.Plan) -> None:
    """Raise HTTPForbidden where the token lacks the scope that the plan's reach takes."""
    request.require(_ALL if plan.wide else "sessions:revoke")


def _reason(request: Request, given: Mapping[str, str]) -> Reason:
    """Return the reason of a call, with the token as its actor."""
    actor = request.token.actor
    return reasons.reason(actor, given["code"], given.get("text", ""), given.get("user_text", ""))


def _receipt(request: Request, revocation_id: UUID | None) -> Outcome:
    row = revocation_queries.receipt(request.read_db, revocation_id) if revocation_id else None
    if row is None:
        raise Problem(404, "There is no such revocation.")
    return Outcome(201, json_documents.receipt(row))


def _target(scope: dict[str, Any]) -> Target:
    """Return the target of a scope. Raises Problem for a filter with errors."""
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
    """Read a filter. Raises Problem for fields that cannot be read or are blank; `at` is the prefix of their names."""
    try:
        found = SessionFilter.parse(fields)
    except FilterError as error:
        raise invalid(**{at + name: why for name, why in error.errors.items()}) from None
    # A blank field would filter by nothing, and so match every session.
    if blank := found.blank(fields):
        raise invalid(**{at + name: "must not be blank." for name in blank})
    return found


def _id(request: Request) -> UUID:
    found = parse_uuid(request.matchdict["id"])
    if found is None:
        raise Problem(404, "There is nothing at this URL.")
    return found
