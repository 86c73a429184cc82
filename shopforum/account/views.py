"""`/account/sessions`: "Your devices". Signing a device out needs a password entered in the last 15 minutes.

ASVS 5.0 7.5.2 requires this: a person who finds an unlocked screen must not be able to sign the owner's devices out.
"""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPConflict, HTTPNotFound, HTTPSeeOther
from pyramid.response import Response

from ..core.user_agents import plain_name
from ..sessions import Reason, Scope, client_of
from ..sessions.vocabulary import EndReason, InitiatingEntity
from ..web import notes, safe_redirect
from ..web.contributions import Notice
from ..web.request import Request
from ..web.services import PasswordPage
from ..web.templating import plural
from . import activity, new_device

# Seconds since the password was entered.
FRESH = 900
# The notice about signed-out devices counts no further.
_MOST_COUNTED = 200


def includeme(config: Configurator) -> None:
    """Add the routes and views, for signed-in people."""
    config.add_route("devices", "/account/sessions")
    config.add_route("revoke_others", "/account/sessions/revoke-others")
    config.add_route("revoke_device", "/account/sessions/{id}/revoke")
    config.add_route("confirm_device", "/account/sessions/{id}/confirm")
    config.add_route("ask_again", "/account/sessions/{id}/ask-again")
    template = "shopforum:account/templates/sessions.jinja2"
    config.add_view(show, route_name="devices", request_method="GET", renderer=template)
    config.add_view(revoke_others, route_name="revoke_others", request_method="POST", fresh_login=FRESH)
    config.add_view(revoke, route_name="revoke_device", request_method="POST", fresh_login=FRESH)
    config.add_view(confirm, route_name="confirm_device", request_method="POST")
    config.add_view(ask_again, route_name="ask_again", request_method="POST")


def show(request: Request) -> dict[str, Any]:
    """Show this device, the other devices by the time of their last request, and the recent activity."""
    me = request.me
    rows = request.sessions.of_user(me.user_id)
    current = [row for row in rows if row.id == me.id]
    others = [row for row in rows if row.id != me.id]
    values = {"current": current, "others": others, "name": plain_name}
    values["unclaimed"] = request.sessions.unclaimed([row.id for row in rows])
    values["password_url"] = request.services.get(PasswordPage).url
    values["reported"] = notes.said(request).get("notice") == "device-reported"
    recent = activity.recent(request.db, me.user_id, request.site.name)
    values["recent"] = recent.entries
    values["quiet_days"] = None if recent.disturbed or values["unclaimed"] else activity.QUIET_DAYS
    count = _count(notes.said(request).get("signed-out"))
    if count is not None:
        values["notice"] = Notice("success", f"Signed out {plural(count, 'other device')}.")
    return values


def revoke(request: Request) -> Response:
    """Sign another device out; with the field `reported`, report it to the security team as well."""
    me = request.me
    own = activity.own_session(request.db, request.matched_id, me.user_id, request.site.name)
    if own is None:
        raise HTTPNotFound
    if own.id == me.id:
        raise HTTPConflict(
            "This is the device you are using. To sign it out, use Log out at the top of the page."
        )
    reported = "reported" in request.POST
    if own.ended_at is None:
        _end(request, EndReason.REPORTED if reported else EndReason.SIGNED_OUT_ELSEWHERE, own.id)
    elif not reported:
        return notes.see_other(request, "/account/sessions?notice=device-gone")
    if not reported:
        return notes.see_other(request, "/account/sessions?notice=device-signed-out")
    # A device that is signed out already can still be reported: it may have been a thief's.
    request.sessions.report(own.id, me, client_of(request))
    return notes.see_other(request, "/account/sessions?notice=device-reported")


def revoke_others(request: Request) -> Response:
    """Sign all other devices out. This one stays signed in, with a new session id."""
    me = request.me
    rows = request.sessions.of_user(me.user_id)
    others = [row.id for row in rows if row.id != me.id]
    if others:
        _end(request, EndReason.SIGNED_OUT_ELSEWHERE, *others)
    request.sessions.replace_id(me)
    return notes.see_other(request, f"/account/sessions?signed-out={len(others)}")


def confirm(request: Request) -> Response:
    """Confirm a new device ("Yes, that was me"), and go back to the page that has asked."""
    known = new_device.confirm(request.db, request.me, request.matched_id)
    origin, path = request.host_url, urlsplit(request.referer or "")._replace(query="", fragment="").geturl()
    target = safe_redirect.page(request, path.removeprefix(origin)) if path.startswith(origin + "/") else None
    target = target or "/account/sessions"
    if not known:
        return HTTPSeeOther(target)
    query = {"notice": "device-known", "device": str(request.matched_id)}
    return notes.see_other(request, safe_redirect.with_query(target, query))


def ask_again(request: Request) -> Response:
    """Take "Yes, that was me" back: the pages ask about the device again."""
    if not new_device.ask_again(request.db, request.me, request.matched_id):
        return notes.see_other(request, "/account/sessions?notice=device-gone")
    return HTTPSeeOther("/account/sessions")


def _end(request: Request, code: EndReason, *session_ids: UUID) -> None:
    reason = Reason(InitiatingEntity.USER, request.me.actor, code)
    request.sessions.revoke(Scope(sessions=session_ids), reason, client_of(request))


def _count(value: str | None) -> int | None:
    """Return how many devices the last act signed out, as the address says; None for an invalid number."""
    if value is None or not value.isascii() or not value.isdigit() or len(value) > 3:
        return None
    return min(int(value), _MOST_COUNTED)
