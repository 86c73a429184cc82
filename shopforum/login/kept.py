"""Forms that were sent when the session had ended, or when the password had to be given again: nothing typed is lost.

The form's own token says which session it was made for, and so whose it is; only that person gets it back, after
logging in, and sends it with one more click. The key in the address opens nothing by itself. Passwords and codes are
never kept.
"""

import json
import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound, HTTPTemporaryRedirect
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import RowMapping, text
from sqlalchemy.exc import SQLAlchemyError

from ..sessions.policy import FORM_SESSION
from ..web import way
from ..web.errors import WRITTEN

log = structlog.get_logger("shopforum")

_LEFT_OUT = frozenset({"csrf_token", "password", "code"})
_LARGEST = 64 * 1024
# The newest twenty of a person: kept forms are for the one that was just sent, and must not fill the disk.
_KEEP = text(
    """
WITH owner AS (SELECT user_id FROM sessions WHERE id = :session_id AND site = :site), gone AS (
  DELETE FROM kept_forms WHERE key IN (
    SELECT k.key FROM kept_forms k JOIN owner USING (user_id) ORDER BY k.created_at DESC OFFSET 19)
)
INSERT INTO kept_forms (key, site, user_id, path, fields)
SELECT :key, :site, user_id, :path, CAST(:fields AS jsonb) FROM owner RETURNING 1"""
)

# On the console a form is an act. Whoever is thrown out there loses those that were kept before, logged in again or not.
_MINE = """key = :key AND site = :site AND user_id = :user_id AND created_at > clock_timestamp() - interval '1 day'
    AND (site <> 'admin' OR NOT EXISTS (SELECT 1 FROM sessions s JOIN revocations r ON r.id = s.revocation_id
      WHERE s.user_id = :user_id AND s.site = 'admin' AND r.initiating_entity IN ('admin', 'idp')
        AND r.created_at > kept_forms.created_at)
      AND NOT EXISTS (SELECT 1 FROM revocation_gates g WHERE g.not_before > kept_forms.created_at
        AND g.key IN ('everyone', 'site:admin', 'user:' || :user_id, 'user:' || :user_id || '@admin')))"""
_READ = text(f"SELECT path, fields FROM kept_forms WHERE {_MINE}")
_TAKE = text(f"DELETE FROM kept_forms WHERE {_MINE} RETURNING path")


def includeme(config: Configurator) -> None:
    """The page /resume/{key}, for signed-in people, and `registry.keep_form` for the forbidden view."""
    config.registry.keep_form = keep_form
    config.add_route("resume", r"/resume/{key:[A-Za-z0-9_-]{43}}")
    template = "shopforum:login/templates/resume.jinja2"
    config.add_view(show, route_name="resume", request_method="GET", renderer=template)
    config.add_view(send, route_name="resume", request_method="POST")


def keep_form(request: Request) -> str | None:
    """Keep the form of a request that needs a login first; returns the page to come back to, None for no form.

    Only a form whose token was good and names a session of ours is kept.
    """
    if request.method != "POST":
        return None
    if request.matched_route.name == "resume":
        return str(request.path)
    session_id: UUID | None = request.environ.get(FORM_SESSION)
    path = way.safe(request.path_qs)
    fields = _fields(request.POST)
    if session_id is None or path is None or fields is None:
        return None
    key = secrets.token_urlsafe(32)
    values = {"key": _digest(request, key), "site": request.site.name, "path": path, "fields": fields}
    try:
        kept = request.db.all(_KEEP, session_id=session_id, **values)
    except SQLAlchemyError as error:
        # The way to the login stays open all the same.
        log.exception("form not kept", why=type(error).__name__)
        return None
    return f"/resume/{key}" if kept else None


def show(request: Request) -> dict[str, Any]:
    """What had been typed, and a button that sends it. Short fields that nobody writes into go along unseen."""
    row = _found(request, _READ)
    written = [(name, value) for name, value in row["fields"] if _is_written(name, value)]
    unseen = [(name, value) for name, value in row["fields"] if not _is_written(name, value)]
    return {"written": written, "unseen": unseen, "labels": WRITTEN, "key": request.matchdict["key"]}


def send(request: Request) -> Response:
    """Pass the form on, as it was sent just now, to where it was meant to go; it is kept no longer."""
    row = _found(request, _TAKE)
    # 307 keeps the method and the body; the token in it is this session's.
    return HTTPTemporaryRedirect(row["path"])


def _found(request: Request, statement: Any) -> RowMapping:
    """The row of this request's key. Raises HTTPNotFound, for another person's as for one that never was."""
    values = {"site": request.site.name, "user_id": request.identity.user_id}
    row = request.db.one(statement, key=_digest(request, request.matchdict["key"]), **values)
    if row is None:
        raise HTTPNotFound
    return row


def _fields(form: Mapping[str, Any]) -> str | None:
    """The form's texts as JSON pairs; None where there is nothing to keep, or too much."""
    pairs = [
        (name, value) for name, value in form.items() if name not in _LEFT_OUT and isinstance(value, str)
    ]
    content = json.dumps(pairs)
    return content if pairs and len(content) <= _LARGEST else None


def _is_written(name: str, value: str) -> bool:
    return name in WRITTEN or "\n" in value or len(value) > 80


def _digest(request: Request, key: str) -> bytes:
    return request.sessions.config.secrets.digest(request.site.name, "kept form", key)
