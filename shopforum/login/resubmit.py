"""Forms that were sent when the session had ended, or when the password had to be given again: nothing typed is lost.

A form is kept only where the cookies beside it are, or were, those of the session that its token names: a token alone,
read off a page, must not put a form before its owner. Only that person gets it back, after logging in, sees what it
would do, where, and every field, and sends it with one more click. What ends or destroys something, or reaches far, is
never sent so: it goes back to the page that asks before it, filled in (web/acts.py). The key in the address opens
nothing by itself. Passwords, codes and confirmations are never kept.
"""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from pyramid.httpexceptions import HTTPNotFound, HTTPTemporaryRedirect
from pyramid.renderers import render_to_response
from pyramid.response import Response
from sqlalchemy import RowMapping, text
from sqlalchemy.exc import SQLAlchemyError
from webob.multidict import MultiDict

from ..sessions import FORM_SESSION, AuthorityUnavailable, policy_of
from ..web import acts, safe_redirect
from ..web.errors import WRITTEN, page, page_before
from ..web.request import Request
from ..web.services import SavedForms
from ..web.site_config import SiteConfigurator
from ..web.templating import STATIC
from . import views

log = structlog.get_logger("shopforum")

_LEFT_OUT = frozenset({"csrf_token", "password", "code"})
# What was typed to confirm an act confirms it as it was then.
_CONFIRMATIONS = frozenset({"confirm", "digest", "number", "word"})
_TEMPLATE = "shopforum:login/templates/resume.jinja2"
_KEY = re.compile(r"[A-Za-z0-9_-]{43}")
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


def includeme(config: SiteConfigurator) -> None:
    """Add the page /resume/{key} for signed-in users, `request.typed`, and the functions by which the error pages save a
    form and show it again.
    """
    config.set_saved_forms(SavedForms(keep_form, form_again))
    config.add_request_method(typed, "typed", reify=True)
    config.add_route("resume", f"/resume/{{key:{_KEY.pattern}}}")
    config.add_view(show, route_name="resume", request_method="GET", renderer=_TEMPLATE)
    config.add_view(send, route_name="resume", request_method="POST")


def keep_form(request: Request) -> str | None:
    """Keep the form of a request that needs a login first; returns the page to come back to, None for no form.

    Only the form of the session that the request's cookies belong to, dead or alive, is kept.
    """
    if request.method != "POST":
        return None
    if request.route_name == "resume":
        return str(request.path)
    act, path = acts.of(request), safe_redirect.safe(request.path_qs)
    if act.page or path is None or not policy_of(request).own_form(request):
        return None
    fields = _fields(request.POST)
    if fields is None:
        return None
    key = secrets.token_urlsafe(32)
    values = {"key": _digest(request, key), "site": request.site.name, "path": path, "fields": fields}
    try:
        kept = request.db.all(_KEEP, session_id=request.environ[FORM_SESSION], **values)
    except SQLAlchemyError as error:
        # The way to the login stays open all the same.
        log.exception("form not kept", why=type(error).__name__)
        return None
    return (f"{request.path}?kept={key}" if act.asks else f"/resume/{key}") if kept else None


def typed(request: Request) -> MultiDict[str] | None:
    """The fields of a kept form, for the page that asks before it is sent: those that `?kept=` names, if they are this
    person's and for this address. None without; one statement, and only with it.
    """
    key = request.GET.get("kept", "")
    if not _KEY.fullmatch(key) or request.identity is None:
        return None
    row = _of(request, _READ, key)
    if row is None or row["path"].partition("?")[0] != request.path:
        return None
    return MultiDict((name, value) for name, value in row["fields"] if name not in _CONFIRMATIONS)


def form_again(request: Request, title: str, text: str) -> Response | None:
    """A form that was refused, as it was filled in, with a good token; its own page's address for one that is not sent
    from another page; None where neither can be.
    """
    name = request.route_name
    if name == STATIC:
        return None
    act = acts.of(request)
    path = safe_redirect.safe(request.path_qs) or "/"
    try:
        if name == "login":
            return views.once_more(request, f"{title}. {text}")
        if name != "logout" and (not act.again or path == "/"):
            back = (path if act.asks else act.page or "/", "Begin again")
            return page(request, 403, title=title, text=text, back=back, plain=True)
        pairs = [pair for pair in request.POST.items() if _is_kept(*pair)]
        values = {**_values(act.label, path, pairs), "title": title, "lead": text, "action": request.path_qs}
        values["back"] = page_before(request)
        response = render_to_response(_TEMPLATE, values, request=request)
    except (AuthorityUnavailable, SQLAlchemyError):
        # A good token cannot be made just now.
        return None
    response.status_int = 403
    return response


def show(request: Request) -> dict[str, Any]:
    """What would be done and where, and all that had been typed, with a button that sends it."""
    row = _found(request)
    return {
        **_values(acts.at(request, row["path"]).label, row["path"], row["fields"]),
        "title": "Not sent yet",
        "lead": "You were signed out before this could be sent, or had to give your password again. Nothing is lost: "
        "check it, then send it.",
        "action": f"/resume/{request.matchdict['key']}",
        "back": None,
    }


def _values(act: str, path: str, pairs: Sequence[Sequence[str]]) -> dict[str, Any]:
    """What the template needs of a form. Short fields that nobody writes into are shown, and cannot be changed."""
    written = [(name, value) for name, value in pairs if _is_written(name, value)]
    fixed = [(name, value) for name, value in pairs if not _is_written(name, value)]
    return {"act": act, "path": path, "written": written, "fixed": fixed, "labels": WRITTEN}


def send(request: Request) -> Response:
    """Pass the form on, as it was sent just now, to where it was meant to go; it is kept no longer."""
    row = _found(request)
    # Of two clicks at once one finds it.
    if _of(request, _TAKE, request.matchdict["key"]) is None:
        raise HTTPNotFound
    # 307 keeps the method and the body; the token in it is this session's.
    return HTTPTemporaryRedirect(row["path"])


def _found(request: Request) -> RowMapping:
    """The row of this request's key. Raises HTTPNotFound, for another person's as for one that never was, and for one
    that is not sent from here.
    """
    row = _of(request, _READ, request.matchdict["key"])
    if row is None or not acts.at(request, row["path"]).again:
        raise HTTPNotFound
    return row


def _of(request: Request, statement: Any, key: str) -> RowMapping | None:
    values = {"site": request.site.name, "user_id": request.me.user_id}
    return request.db.one(statement, key=_digest(request, key), **values)


def _fields(form: Mapping[str, Any]) -> str | None:
    """The form's texts as JSON pairs; None where there is nothing to keep, or too much."""
    pairs = [pair for pair in form.items() if _is_kept(*pair)]
    content = json.dumps(pairs)
    return content if pairs and len(content) <= _LARGEST else None


def _is_kept(name: str, value: Any) -> bool:
    return name not in _LEFT_OUT and isinstance(value, str)


def _is_written(name: str, value: str) -> bool:
    return name in WRITTEN or "\n" in value or len(value) > 80


def _digest(request: Request, key: str) -> bytes:
    return request.sessions.config.secrets.digest(request.site.name, "kept form", key)
