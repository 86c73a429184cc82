"""`/incidents`: open an incident, contain it, watch it, note what was found, report it, and close it."""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.renderers import render_to_response
from pyramid.response import Response

from ...core.permissions import REVOKE
from ...core.text import clean
from ...operations import (
    approvals,
    audit_queries,
    containing,
    deny_rules,
    export,
    incident_reports,
    incidents,
    json_documents,
    reasons,
)
from ...operations.containing import Outlook
from ...operations.filters import FilterError, parse_query
from ...operations.incidents import Incident, IncidentChanged, NotAnIncident
from ...operations.rows import Affected, AuditRow
from ...sessions import ShutOut, client_of
from ...web import notes
from ...web.contributions import Notice
from ...web.request import Request
from ...web.site_config import SiteConfigurator
from ..files import attachment
from ..filter_forms import SessionFilterForm
from ..forms import CloseForm, ContainForm, IncidentForm, NoteForm, actor
from ..lists import page
from . import confirming, may_revoke

_LIST = "shopforum:admin/templates/incidents.jinja2"
_PAGE = "shopforum:admin/templates/incident.jinja2"
_CONTAIN = "shopforum:admin/templates/contain.jinja2"
_SHUT_OUT = "A rule would refuse you, too. Ask an admin elsewhere, or open an incident with narrower filters."


def includeme(config: SiteConfigurator) -> None:
    """Register the views and their notices."""
    config.add_notices(
        {
            "incident_opened": Notice("success", "The incident is open. Contain it next."),
            "incident_contained": Notice("success", "Done. The numbers below are read from the sessions."),
            "incident_left": Notice(
                "error",
                "The rules are in force, and the sessions that were shown have ended. More people have signed in meanwhile than you may reach within an hour: ask an owner to contain the incident.",
            ),
            "incident_filter_added": Notice(
                "success", "The filter is added. Contain the incident again: nothing was ended yet."
            ),
            "incident_filter_removed": Notice(
                "success",
                "The filter is removed. Sessions that have ended stay ended, and a rule that is in force stays until you lift it.",
            ),
            "incident_noted": Notice("success", "The note is in the audit log."),
            "incident_closed": Notice(
                "success", "The incident is closed. Its rules stay until they are lifted or over."
            ),
            "incident_over": Notice("info", "The incident was closed already. Nothing was changed."),
        }
    )
    config.add_view(listed, route_name="admin_incidents", request_method="GET", renderer=_LIST)
    config.add_view(
        begin, route_name="admin_incidents", request_method="POST", permission=REVOKE, renderer=_LIST
    )
    config.add_view(show, route_name="admin_incident", request_method="GET", renderer=_PAGE)
    config.add_view(ask, route_name="admin_incident_contain", request_method="GET", permission=REVOKE)
    config.add_view(contain, route_name="admin_incident_contain", request_method="POST", permission=REVOKE)
    config.add_view(
        note, route_name="admin_incident_notes", request_method="POST", permission=REVOKE, renderer=_PAGE
    )
    config.add_view(
        add_filter,
        route_name="admin_incident_filters",
        request_method="POST",
        permission=REVOKE,
        renderer=_PAGE,
    )
    config.add_view(
        remove_filter,
        route_name="admin_incident_filter_remove",
        request_method="POST",
        permission=REVOKE,
        renderer=_PAGE,
    )
    config.add_view(close, route_name="admin_incident_close", request_method="POST", permission=REVOKE)
    config.add_view(report, route_name="admin_incident_report", request_method="GET")
    config.add_view(people, route_name="admin_incident_people", request_method="GET")


def listed(request: Request) -> dict[str, Any]:
    """Show the incidents, and the form for a new one, filled in from the URL."""
    given = request.typed or request.GET
    return _list(request, IncidentForm(given), SessionFilterForm(given))


def begin(request: Request) -> Any:
    """Open an incident and show it."""
    form, chosen = IncidentForm(request.POST), SessionFilterForm(request.POST)
    if form.validate() & chosen.validate():
        named = incidents.named(request.read_db, chosen.filter)
        reason = reasons.reason(actor(request.me), form.reason.data, "", form.user_text.data or "")
        try:
            made = incidents.begin(
                request.db, form.name.data, form.ticket.data or "", [named], reason, client_of(request)
            )
            return notes.see_other(request, f"/incidents/{made}?notice=incident_opened")
        except NotAnIncident as error:
            chosen["user"].errors = [str(error)]
    request.response.status_int = 422
    return _list(request, form, chosen)


def show(request: Request) -> dict[str, Any]:
    """Show an incident as it stands now."""
    return _page(request, _incident(request))


def ask(request: Request) -> Response:
    """Show what containing it would do."""
    return _ask(request, _incident(request), ContainForm(request.typed), 200)


def contain(request: Request) -> Response:
    """Contain the incident, and show it as it then stands."""
    incident, form = _incident(request), ContainForm(request.POST)
    if incident.closed_at:
        return notes.see_other(request, f"/incidents/{incident.id}?notice=incident_over")
    if not (request.POST.get("confirm") and form.span.validate(form)):
        return _ask(request, incident, form, 200)
    found = _outlook(request, incident, form)
    confirming.want_number(form, found.plan)
    if form.filters.data not in (None, "", incident.filters_digest):
        return _ask(request, incident, form, 409)
    if found.plan.scope is None or not form.validate():
        return _ask(request, incident, form, 422)
    if not confirming.same_size(form, found.plan):
        return _ask(request, incident, form, 409)
    seconds = float(form.span.data)
    act = approvals.containing(incident, found, seconds, actor(request.me), request.me.id)
    try:
        with confirming.within_authority(request, act) as limit:
            done = containing.contain(
                request.sessions,
                request.read_db,
                incident,
                actor(request.me),
                client_of(request),
                seconds=seconds,
                own=request.me.id,
                maker=request.me,
                limit=limit,
            )
    except IncidentChanged:
        return _ask(request, _incident(request), form, 409)
    except ShutOut:
        form.span.errors = [_SHUT_OUT]
        return _ask(request, incident, form, 422)
    notice = "incident_left" if done.left else "incident_contained"
    return notes.see_other(request, f"/incidents/{incident.id}?notice={notice}")


def add_filter(request: Request) -> Any:
    """Have the incident be about the sessions of one more filter."""
    incident, chosen = _incident(request), SessionFilterForm(request.POST)
    if chosen.validate():
        named = incidents.named(request.read_db, chosen.filter)
        try:
            incidents.add_filter(request.db, incident, named, actor(request.me), client_of(request))
            return notes.see_other(request, f"/incidents/{incident.id}?notice=incident_filter_added")
        except NotAnIncident as error:
            chosen["user"].errors = [str(error)]
    request.response.status_int = 422
    return _page(request, incident, chosen=chosen)


def remove_filter(request: Request) -> Any:
    """Remove a filter from the incident."""
    incident = _incident(request)
    try:
        chosen = parse_query(request.POST.get("filter", ""))
        incidents.remove_filter(request.db, incident, chosen, actor(request.me), client_of(request))
    except (FilterError, NotAnIncident) as error:
        request.response.status_int = 422
        return _page(request, incident, refused=str(error))
    return notes.see_other(request, f"/incidents/{incident.id}?notice=incident_filter_removed")


def note(request: Request) -> Any:
    """Add a note."""
    incident, form = _incident(request), NoteForm(request.POST)
    if not form.validate():
        request.response.status_int = 422
        return _page(request, incident, form=form)
    said = form.because(request.me).admin
    incidents.note(request.db, incident, actor(request.me), client_of(request), said)
    return notes.see_other(request, f"/incidents/{incident.id}?notice=incident_noted")


def close(request: Request) -> Response:
    """Close the incident."""
    incident, form = _incident(request), CloseForm(request.POST)
    said = clean(form.text.data or "", 2000)
    closed = incidents.close(request.db, incident, actor(request.me), client_of(request), said)
    notice = "incident_closed" if closed else "incident_over"
    return notes.see_other(request, f"/incidents/{incident.id}?notice={notice}")


def report(request: Request) -> Response:
    """Return the report as JSON lines: the incident as it stands with the head of the audit chain, then each act and note, then what
    was done on the sessions that it has ended.
    """
    incident, db = _incident(request), request.read_db
    first = json_documents.incident_status(incident_reports.report(db, incident))
    head = str(audit_queries.sealed(request.db))
    rows = incident_reports.events(incident).all(db)
    done = incident_reports.session_acts(incident_reports.acts(db, incident)).all(db)

    def lines() -> Iterator[bytes]:
        events, acts = map(json_documents.event, rows), map(json_documents.act, done)
        for document in chain([{**first, "audit_head": head}], events, acts):
            yield json.dumps(document, default=json_documents.plain).encode() + b"\n"

    return _file(request, incident, "jsonl", lines())


def people(request: Request) -> Response:
    """Return the people to notify as CSV, each with what to tell them."""
    incident, db = _incident(request), request.read_db
    found = incident_reports.people(incident_reports.acts(db, incident)).all(db)
    return _file(request, incident, "csv", export.write(found, Affected, "csv"))


def _file(request: Request, incident: Incident, form: str, lines: Iterator[bytes]) -> Response:
    incidents.exported(request.db, incident, actor(request.me), client_of(request), form)
    return attachment(f"incident-{str(incident.id)[:8]}", form, lines)


def _incident(request: Request) -> Incident:
    found = incidents.one(request.read_db, request.matched_id)
    if found is None:
        raise HTTPNotFound
    return found


def _list(request: Request, form: IncidentForm, chosen: SessionFilterForm) -> dict[str, Any]:
    return {
        "form": form,
        "chosen": chosen,
        "page": page(request, incidents.INCIDENTS, size=30),
        "may_revoke": may_revoke(request),
    }


def _page(
    request: Request,
    incident: Incident,
    *,
    form: NoteForm | None = None,
    chosen: SessionFilterForm | None = None,
    refused: str = "",
) -> dict[str, Any]:
    """Return the variables of an incident's page. `form` is a note and `chosen` a further filter, as somebody has sent it; `refused` says
    why another act changed nothing.
    """
    db = request.read_db
    events: list[AuditRow] = incident_reports.events(incident).first(db, incident_reports.MOST)
    found = incident_reports.report(db, incident, request.me.id)
    return {
        **vars(found),
        "leftover": found.leftover,
        "refused": refused,
        "events": events,
        "done": incident_reports.session_acts(found.acts).first(db, incident_reports.SHOWN),
        "form": form or NoteForm(),
        "chosen": chosen or SessionFilterForm(),
        "closing": CloseForm(),
        "may_revoke": may_revoke(request),
    }


def _outlook(request: Request, incident: Incident, form: ContainForm) -> Outlook:
    """Return what containing would do. Raises BeyondAuthority and FreshLoginRequired where the admin may not do it."""
    found = containing.outlook(request.read_db, incident, float(form.span.data), request.me.id)
    with confirming.judged():
        containing.check_reach(request.sessions, found, unlimited=confirming.may_revoke_all(request))
    if found.grave:
        confirming.need_fresh(request)
    return found


def _ask(request: Request, incident: Incident, form: ContainForm, status: int) -> Response:
    if form.span.data not in deny_rules.SPANS:
        form.span.data = deny_rules.DAY
    found = _outlook(request, incident, form)
    db = request.read_db
    rules = incident_reports.rules(db, incident_reports.acts(db, incident)) if found.rules else []
    in_force = [row for row in rules if row.state == deny_rules.IN_FORCE]
    there = [row.rule.columns() for row in in_force]
    values = {
        "incident": incident,
        "form": form,
        "plan": found.plan,
        "new_rules": [rule for rule, _ in found.rules if rule.columns() not in there],
        "in_force": in_force,
        "unsaid": [chosen.text for chosen in incident.filters if not deny_rules.of_filter(chosen)],
        "changed": status == 409,
    }
    response = render_to_response(_CONTAIN, values, request=request)
    response.status_int = status
    return response
