"""Sessions: list, show, explain, and end one."""

from pyramid.response import Response

from ...operations import audit_queries, counts, explain, json_documents, plans, session_queries
from ...operations.approval_requests import Waiting
from ...operations.rows import SessionDetail
from ...operations.targets import Target
from .. import responses
from ..problems import Problem
from ..request import ApiRequest as Request
from ..request_schemas import FILTERS
from .acting import answer, carry_out, check_scope
from .approvals import waiting_response
from .calls import Given, linked, part_of, path_id, read_filter, read_reason


def list_sessions(request: Request, given: Given) -> Response:
    """Return the console's list, by the same filters and the same statement."""
    chosen = read_filter({name: given.query[name] for name in FILTERS if name in given.query}, "")
    where = session_queries.conditions(request.read_db, chosen)
    part = part_of(request, given, session_queries.SESSIONS.where(*where))
    found = counts.count(request.read_db, where)
    count = len(part.rows) if found is None else min(found, counts.CAP)
    total = {"count": count, "exact": found is not None and found <= counts.CAP}
    response = responses.reply(
        {"sessions": [json_documents.session(row) for row in part.rows], "next": part.older, "total": total}
    )
    return linked(request, given, response, part.older)


def get_session(request: Request, given: Given) -> Response:
    """Return a session with its places and its timeline, latest first."""
    row = path_session(request)
    timeline = [json_documents.event(event) for event in audit_queries.of_session(request.read_db, row)]
    places = [json_documents.place(place) for place in session_queries.places(request.read_db, row.id)]
    return responses.reply({**json_documents.session(row), "timeline": timeline, "seen_at": places})


def explain_session(request: Request, given: Given) -> Response:
    """Return why requests of a session were served or refused."""
    return responses.reply(
        json_documents.explanation(explain.of_session(request.read_db, path_session(request)))
    )


def path_session(request: Request) -> SessionDetail:
    """Return the session that the call's path names. Raises Problem if it does not exist."""
    row = session_queries.one(request.read_db, path_id(request))
    if row is None:
        raise Problem(404, "There is no such session.")
    return row


def end_session(request: Request, given: Given) -> Response:
    """End a session. One that has ended stays as it is."""
    session_id = path_id(request)
    plan = plans.make(request.read_db, Target(sessions=(session_id,)), None)
    check_scope(request, plan)
    if plan.matched:
        try:
            carry_out(request, plan, read_reason(request, {"code": "other"}))
        except Waiting as waiting:
            return answer(waiting_response(request, waiting))
    elif session_queries.one(request.read_db, session_id) is None:
        raise Problem(404, "There is no such session.")
    return Response(status=204)
