"""Requests that the admin's role does not allow: refused as on the other sites, and written to the audit log."""

from pyramid.httpexceptions import HTTPForbidden
from pyramid.response import Response
from pyramid.security import Denied

from ...core.permissions import CONSOLE_ROLES, ROLES
from ...core.sites import ADMIN
from ...core.text import clean
from ...operations import user_queries
from ...sessions import Session, client_of
from ...sessions.audit import Event, append
from ...sessions.vocabulary import EventName, InitiatingEntity
from ...web.errors import forbidden, page
from ...web.request import Request
from . import external_links
from .confirming import BeyondAuthority


def denied(exc: HTTPForbidden, request: Request) -> Response:
    """Answer a refused request. A signed-in admin reads why and whom to ask, and the audit log gets a row; a signed-out visitor
    is led to the login.
    """
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
        return page(request, 403, text=_why(exc, request, me))
    if external_links.from_elsewhere(request):
        return external_links.again(request)
    return forbidden(exc, request)


def _why(exc: HTTPForbidden, request: Request, me: Session) -> str:
    """Say what the act takes, and who may do it: people with the role who were here lately."""
    permission = exc.result.args[0] if isinstance(exc.result, Denied) and exc.result.args else ""
    roles = ROLES[ADMIN].get(str(permission), frozenset())
    why = f"{exc.detail} " if isinstance(exc, BeyondAuthority) else ""
    if not roles:
        return why or "No role of the console allows this."
    mine = " and ".join(sorted(me.roles & CONSOLE_ROLES)) or "none"
    text = f"{why}This takes the role {' or '.join(sorted(roles))}; yours is {mine}."
    asked = user_queries.holders(request.read_db, ADMIN, roles)
    named = ", ".join(f"{one.user_name} ({one.user_email})" for one in asked)
    return f"{text} Nothing was changed. Ask {named or 'whoever manages the roles at FusionAuth'}."
