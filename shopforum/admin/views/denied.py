"""Requests that the admin's role does not allow: refused as on the other sites, and written to the audit log."""

from pyramid.httpexceptions import HTTPForbidden
from pyramid.response import Response
from pyramid.security import Denied

from ...core.text import clean
from ...sessions import client_of
from ...sessions.audit import Event, append
from ...sessions.vocabulary import EventName, InitiatingEntity
from ...web.errors import forbidden, page
from ...web.request import Request
from .confirming import BeyondAuthority


def denied(exc: HTTPForbidden, request: Request) -> Response:
    """Answer a refused request; a signed-in admin's refusal is written to the audit log."""
    me = request.identity
    if me is not None and isinstance(exc.result, Denied):
        event = Event(
            EventName.NOT_ALLOWED,
            request.site.name,
            client_of(request),
            initiating_entity=InitiatingEntity.USER,
            actor=me.actor,
            user_id=me.user_id,
            session_id=me.id,
            detail={"method": request.method, "path": clean(request.path_info, 200)},
        )
        append(request.db, event)
    return (
        page(request, 403, text=str(exc.detail))
        if isinstance(exc, BeyondAuthority)
        else forbidden(exc, request)
    )
