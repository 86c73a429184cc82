"""Tries that a role does not allow: refused as everywhere, and written to the trail."""

from pyramid.httpexceptions import HTTPForbidden
from pyramid.response import Response
from pyramid.security import Denied

from ...core.text import clean
from ...sessions import client_of
from ...sessions.audit import Event, append
from ...web.errors import forbidden, page
from ...web.request import Request
from .confirming import BeyondAuthority


def denied(exc: HTTPForbidden, request: Request) -> Response:
    """The forbidden view of the console."""
    me = request.identity
    if me is not None and isinstance(exc.result, Denied):
        event = Event(
            "authz_fail",
            request.site.name,
            client_of(request),
            initiating_entity="user",
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
