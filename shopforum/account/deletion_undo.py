"""`/account/keep`: a user whose account is to be deleted logs in, and may keep the account.

The login has proven who the user is, and starts no session. A signed cookie carries this proof to the page, for ten minutes.
It is good for keeping the account and for nothing else.
"""

import re
from typing import Any
from uuid import UUID

from pyramid.httpexceptions import HTTPFound
from pyramid.renderers import render_to_response
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from ..core.database import Database
from ..core.ids import parse_uuid
from ..sessions import cookies
from ..web import notes
from ..web.contributions import Act
from ..web.request import Request
from ..web.services import PendingDeletion
from ..web.site_config import SiteConfigurator
from . import deletion

COOKIE = "__Host-keep-account"
_PATH = "/account/keep"
# A user's id and an instant in seconds, with their signature.
_SHAPE = re.compile(r"[0-9a-f-]{36}_[0-9]{1,12}\.[A-Za-z0-9_-]{43}")
_JAR = cookies.CookieJar("Lax")
_SECONDS = 600


def includeme(config: SiteConfigurator) -> None:
    """Add the page, open to everybody, and have logins look for a deletion."""
    config.add_service(PendingDeletion(_is_pending, _begin))
    config.add_acts({"keep_account": Act("Keep the account", page="/login")})
    config.add_route("keep_account", _PATH)
    for view, method in ((show, "GET"), (submit, "POST")):
        config.add_view(
            view, route_name="keep_account", request_method=method, permission=NO_PERMISSION_REQUIRED
        )


def show(request: Request) -> Response:
    """Show until when the account can be kept."""
    user_id = _proven(request)
    return HTTPFound("/login") if user_id is None else _page(request, user_id, 200)


def submit(request: Request) -> Response:
    """Keep the account; the user logs in once more."""
    user_id = _proven(request)
    if user_id is None:
        return HTTPFound("/login")
    # The form was sent twice: the first request has kept the account, and there is no deletion any more.
    if not deletion.undo(request, user_id) and deletion.latest(request.db, user_id) is not None:
        return _page(request, user_id, 409)
    response = notes.see_other(request, "/login?why=account-kept")
    response.headerlist.append(_JAR.expired(COOKIE))
    return response


def _is_pending(db: Database, user_id: UUID) -> bool:
    found = deletion.latest(db, user_id)
    return found is not None and not found.done


def _begin(request: Request, user_id: UUID) -> Response:
    proof = f"{user_id}_{int(request.sessions.now().timestamp())}"
    cookie = request.sessions.config.secrets.form_token(_purpose(request), proof)
    return HTTPFound(_PATH, headers=[_JAR.header(COOKIE, cookie, _SECONDS)])


def _page(request: Request, user_id: UUID, status: int) -> Response:
    values: dict[str, Any] = {"deletion": deletion.latest(request.db, user_id)}
    response = render_to_response("shopforum:account/templates/deletion_undo.jinja2", values, request=request)
    response.status_int = status
    return response


def _proven(request: Request) -> UUID | None:
    """Return the user who has logged in within the last ten minutes, by the request's cookie, or None."""
    cookie = cookies.read(request, COOKIE, _SHAPE)
    proof = request.sessions.config.secrets.form_subject(_purpose(request), cookie) if cookie else None
    if proof is None:
        return None
    user_id, _, at = proof.partition("_")
    age = request.sessions.now().timestamp() - int(at)
    return parse_uuid(user_id) if 0 <= age <= _SECONDS else None


def _purpose(request: Request) -> str:
    return f"keep account {request.site.name}"
