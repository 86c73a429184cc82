"""Saved submissions: a form that is sent after the session has ended, or when the password has to be entered again, is
saved, so that nothing typed is lost.

A submission is saved only if the request's cookies are, or were, those of the session that the form's token names: a
stolen token alone must not put an attacker's form before its owner. Only the owner gets it back, after a login. The page
shows what the form does, where it goes and every field, and sends it with one more click. A form that ends or destroys
something, or has a wide effect, is never sent from there: it goes back to its own page, filled in (web/acts.py). The key
in the address grants nothing by itself. Passwords, codes and confirmations are never saved.
"""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from pyramid.httpexceptions import HTTPNotFound, HTTPTemporaryRedirect
from pyramid.renderers import render_to_response
from pyramid.response import Response
from sqlalchemy import TextClause, text
from sqlalchemy.exc import SQLAlchemyError
from webob.multidict import MultiDict

from ..core.rows import build
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
# A confirmation is for the act as the page showed it then, so it has to be typed again.
_CONFIRMATIONS = frozenset({"confirm", "digest", "number", "word"})
_TEMPLATE = "shopforum:login/templates/resume.jinja2"
_KEY = re.compile(r"[A-Za-z0-9_-]{43}")
_LARGEST = 64 * 1024
# Where the address to come back to has the key of a saved submission.
_IN_ADDRESS = re.compile(rf"(?:/resume/|[?&]kept=)({_KEY.pattern})")
_MOST_SHOWN = 60
# Only a person's newest twenty submissions are kept: the newest is the one that matters, and the disk must not fill.
_SAVE = text(
    """
WITH owner AS (SELECT user_id FROM sessions WHERE id = :session_id AND site = :site), gone AS (
  DELETE FROM kept_forms WHERE key IN (
    SELECT k.key FROM kept_forms k JOIN owner USING (user_id) ORDER BY k.created_at DESC OFFSET 19)
)
INSERT INTO kept_forms (key, key_id, site, user_id, path, fields)
SELECT :key, :key_id, :site, user_id, :path, CAST(:fields AS jsonb) FROM owner RETURNING 1"""
)

# On the console a form is an act on other people's sessions. An admin whose session is revoked there loses the submissions
# from before, even after a new login.
_OWNED = """key = ANY (:keys) AND site = :site AND user_id = :user_id AND created_at > clock_timestamp() - interval '1 day'
    AND (site <> 'admin' OR NOT EXISTS (SELECT 1 FROM sessions s JOIN revocations r ON r.id = s.revocation_id
      WHERE s.user_id = :user_id AND s.site = 'admin' AND r.initiating_entity IN ('admin', 'idp')
        AND r.created_at > kept_forms.created_at)
      AND NOT EXISTS (SELECT 1 FROM revocation_gates g JOIN revocations r ON r.id = g.revocation_id
        WHERE r.created_at > kept_forms.created_at AND g.key IN ('everyone', 'site:admin', 'user:' || :user_id, 'user:' || :user_id || '@admin')))"""
# The key alone finds it, for the browser that has just been sent to the login with it. Nothing of the console's is shown then.
_BEGINNING = text(
    """SELECT fields FROM kept_forms WHERE key = ANY (:keys) AND site = :site AND site <> 'admin'
    AND created_at > clock_timestamp() - interval '10 minutes'"""
)
_READ = text(f"SELECT path, fields FROM kept_forms WHERE {_OWNED}")
_TAKE = text(f"DELETE FROM kept_forms WHERE {_OWNED} RETURNING path, fields")


@dataclass(frozen=True)
class SavedSubmission:
    """A form that was saved: the path that it was sent to, and its fields as pairs of name and value."""

    path: str
    fields: list[list[str]]


def includeme(config: SiteConfigurator) -> None:
    """Add the page /resume/{key} for signed-in people, `request.typed`, and the service for the error pages."""
    config.set_saved_forms(SavedForms(save, form_again, beginning))
    config.add_request_method(typed, "typed", reify=True)
    config.add_route("resume", f"/resume/{{key:{_KEY.pattern}}}")
    config.add_view(show, route_name="resume", request_method="GET", renderer=_TEMPLATE)
    config.add_view(send, route_name="resume", request_method="POST")


def save(request: Request) -> str | None:
    """Save the form of a request that needs a login first. Return the address to come back to, or None for no form.

    Only a form of the session that the request's cookies belong to is saved, whether that session is alive or not.
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
    values = {"key": _digests(request, key)[0], "key_id": request.sessions.config.secrets.id}
    values |= {"site": request.site.name, "path": path, "fields": fields}
    try:
        saved = request.db.all(_SAVE, session_id=request.environ[FORM_SESSION], **values)
    except SQLAlchemyError as error:
        # The redirect to the login works all the same.
        log.exception("form not saved", why=type(error).__name__)
        return None
    return (f"{request.path}?kept={key}" if act.asks else f"/resume/{key}") if saved else None


def typed(request: Request) -> MultiDict[str] | None:
    """Return the fields of the saved submission that `?kept=` names, for the page that asks before it acts.

    None without such a submission of this person for this address. One statement with the parameter, none without.
    """
    key = request.GET.get("kept", "")
    if not _KEY.fullmatch(key) or request.identity is None:
        return None
    saved = _own(request, _READ, key)
    if saved is None or saved.path.partition("?")[0] != request.path:
        return None
    return MultiDict((name, value) for name, value in saved.fields if name not in _CONFIRMATIONS)


def beginning(request: Request, target: str) -> str | None:
    """Return the first words of the text that waits for the login on the way to `target`, or None.

    The caller knows that this browser has just been sent there: its cookies or a note say so.
    """
    key = _IN_ADDRESS.search(target)
    if key is None:
        return None
    row = request.db.one(_BEGINNING, keys=_digests(request, key[1]), site=request.site.name)
    written = [value for name, value in row["fields"] if _is_written(name, value)] if row else []
    words = " ".join(max(written, key=len, default="").split())
    cut = words[:_MOST_SHOWN]
    return words if cut == words else f"{cut.rpartition(' ')[0] or cut} …"


def form_again(request: Request, title: str, text: str) -> Response | None:
    """Return the page with a refused form, filled in, with a valid token; for a form that is not sent from another page,
    the page that links to its own one. None if neither can be shown.
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
            back = (path if act.asks else act.page or "/", "Start again")
            return page(request, 403, title=title, text=text, back=back, plain=True)
        pairs = [pair for pair in request.POST.items() if _is_saved(*pair)]
        values = {**_values(act.label, path, pairs), "title": title, "lead": text, "action": request.path_qs}
        values["back"] = page_before(request)
        response = render_to_response(_TEMPLATE, values, request=request)
    except (AuthorityUnavailable, SQLAlchemyError):
        # No valid token can be made at the moment.
        return None
    response.status_int = 403
    return response


def show(request: Request) -> dict[str, Any]:
    """Show what the form does, where it goes and all its fields, with a button that sends it."""
    saved = _find(request)
    return {
        **_values(acts.at(request, saved.path).label, saved.path, saved.fields),
        "title": "Not sent yet",
        "lead": "You had to log in again before this could be sent. Nothing is lost: check it, then send it.",
        "action": f"/resume/{request.matchdict['key']}",
        "back": None,
    }


def _values(act: str, path: str, pairs: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return the template's values of a form. Short fields that people do not write are shown, but cannot be changed."""
    written = [(name, value) for name, value in pairs if _is_written(name, value)]
    fixed = [(name, value) for name, value in pairs if not _is_written(name, value)]
    return {"act": act, "path": path, "written": written, "fixed": fixed, "labels": WRITTEN}


def send(request: Request) -> Response:
    """Redirect the form, as the page has just sent it, to its own path, and delete the saved submission."""
    saved = _find(request)
    # Of two concurrent clicks, one finds the submission.
    if _own(request, _TAKE, request.matchdict["key"]) is None:
        raise HTTPNotFound
    # 307 keeps the method and the body. The token in the body is this session's.
    return HTTPTemporaryRedirect(saved.path)


def _find(request: Request) -> SavedSubmission:
    """Return the submission of the key in the address.

    Raises HTTPNotFound if this person has no such submission, or if it cannot be sent from here.
    """
    saved = _own(request, _READ, request.matchdict["key"])
    if saved is None or not acts.at(request, saved.path).again:
        raise HTTPNotFound
    return saved


def _own(request: Request, statement: TextClause, key: str) -> SavedSubmission | None:
    values = {"site": request.site.name, "user_id": request.me.user_id}
    row = request.db.one(statement, keys=_digests(request, key), **values)
    return build(SavedSubmission, row) if row else None


def _fields(form: Mapping[str, Any]) -> str | None:
    """Return the form's texts as JSON pairs, or None if there is nothing to save, or too much."""
    pairs = [pair for pair in form.items() if _is_saved(*pair)]
    content = json.dumps(pairs)
    return content if pairs and len(content) <= _LARGEST else None


def _is_saved(name: str, value: Any) -> bool:
    return name not in _LEFT_OUT and isinstance(value, str)


def _is_written(name: str, value: str) -> bool:
    return name in WRITTEN or "\n" in value or len(value) > 80


def _digests(request: Request, key: str) -> list[bytes]:
    return request.sessions.config.secrets.digests(request.site.name, "kept form", key)
