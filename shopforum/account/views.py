"""`/account/sessions`: "Your devices". Signing one out needs a password given in the last 15 minutes.

ASVS 5.0 7.5.2 asks for that: who finds an unlocked screen must not be able to lock the owner out elsewhere.
"""

from typing import Any
from uuid import UUID

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPConflict, HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from ..devices import label
from ..sessions import Reason, Scope, client_of, records
from ..sessions.audit import Event
from ..sessions.tokens import as_uuid
from ..web.templating import Notice, plural
from . import activity

FRESH = 900
_MANY = 200


def includeme(config: Configurator) -> None:
    """The routes; for everybody who is signed in."""
    config.add_route("devices", "/account/sessions")
    config.add_route("revoke_others", "/account/sessions/revoke-others")
    config.add_route("revoke_device", "/account/sessions/{id}/revoke")
    template = "shopforum:account/templates/sessions.jinja2"
    config.add_view(show, route_name="devices", request_method="GET", renderer=template)
    config.add_view(revoke_others, route_name="revoke_others", request_method="POST", fresh_login=FRESH)
    config.add_view(revoke, route_name="revoke_device", request_method="POST", fresh_login=FRESH)


def show(request: Request) -> dict[str, Any]:
    """This device first, then the others by when they were last seen."""
    me = request.identity
    rows = request.sessions.of_user(me.user_id)
    current = [row for row in rows if row["id"] == me.id]
    others = [row for row in rows if row["id"] != me.id]
    values = {"current": current, "others": others, "label": label}
    values["recent"] = activity.recent(request.db, me.user_id, request.site.name)
    count = _count(request.GET.get("signed-out"))
    if count is not None:
        values["notice"] = Notice("success", f"Signed out {plural(count, 'other device')}.")
    return values


def revoke(request: Request) -> Response:
    """Sign one other device out; with `reported`, tell the security team as well."""
    me, session_id = request.identity, as_uuid(request.matchdict["id"])
    row = activity.own_session(request.db, session_id, me.user_id, request.site.name) if session_id else None
    if row is None or session_id is None:
        raise HTTPNotFound
    if session_id == me.id:
        raise HTTPConflict(
            "This is the device you are using. To sign it out, use Log out at the top of the page."
        )
    if row["ended_at"] is not None:
        return HTTPSeeOther("/account/sessions?notice=device-gone")
    _end(request, session_id)
    if "reported" not in request.POST:
        return HTTPSeeOther("/account/sessions?notice=device-signed-out")
    client, site = client_of(request), request.site.name
    event = Event("session_reported", site, client, "user", me.user_email, me.user_id, session_id)
    records.flag(request.db, event, "reported_by_owner")
    return HTTPSeeOther("/account/sessions?notice=device-reported")


def revoke_others(request: Request) -> Response:
    """Sign every other device out; this one stays."""
    me = request.identity
    rows = request.sessions.of_user(me.user_id)
    others = [row["id"] for row in rows if row["id"] != me.id]
    if others:
        _end(request, *others)
    return HTTPSeeOther(f"/account/sessions?signed-out={len(others)}")


def _end(request: Request, *session_ids: UUID) -> None:
    me = request.identity
    reason = Reason("user", me.user_email or str(me.user_id), "signed_out_elsewhere")
    request.sessions.revoke(Scope(sessions=session_ids), reason, client_of(request))


def _count(value: str | None) -> int | None:
    """How many devices the last act signed out, as the address says; None for junk."""
    if value is None or not value.isascii() or not value.isdigit() or len(value) > 3:
        return None
    return min(int(value), _MANY)
