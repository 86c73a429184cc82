"""Notices after an act that nobody can forge: a cookie proves that the act itself has redirected to the page.

An act redirects to an address whose query says what was done: `/orders/H-1?notice=placed`. Anybody can write such an
address, or send a link to it, so the address alone proves nothing. With the redirect goes a cookie, `__Host-note`: a keyed
hash of this address and of its owner, a session or a visitor. The page compares the cookie with its own address. If they
match, it shows the notice and clears the cookie: the notice is shown once, in the browser where the act was done.

The cookie holds no message, so it is small and needs no SQL statement. A hash in the address instead would be accepted
again with each reload, bookmark and shared link. After two acts at the same time the later cookie stays, and the page of
the other act shows no notice; both acts are done, and the page shows the current state.
"""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from ..sessions import cookies, csrf, is_prefetch
from .request import Request

COOKIE = "__Host-note"
# Seconds. The browser follows the redirect at once, but its network may be slow.
_SECONDS = 120
_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")
_JAR = cookies.CookieJar("Lax")
_FOUND, _NEXT = "shopforum.note.found", "shopforum.note.next"


def leave(request: Request, target: str) -> str:
    """Make the page at `target`, a path of this host, accept its query. Returns `target`, to redirect to."""
    if "?" in target:
        _store(request, _NEXT, _hash(request, target))
    return target


def see_other(request: Request, target: str) -> HTTPSeeOther:
    """Return the redirect after an act, 303, to a page that says what was done."""
    return HTTPSeeOther(leave(request, target))


def said(request: Request) -> Mapping[str, str]:
    """Return this page's query if an act of this session or visitor has redirected here, else an empty mapping. The cookie is
    used up.
    """
    found: Mapping[str, str] | None = request.environ.get(_FOUND)
    if found is not None:
        return found
    note = cookies.read(request, COOKIE, _SHAPE)
    # The user may never see a prefetched page: keep the cookie for the real one.
    if note is None or request.method != "GET" or is_prefetch(request):
        return {}
    target, purpose = _plain(request.path_info, request.query_string), _purpose(request)
    if request.sessions.config.secrets.form_subject(purpose, f"{target}.{note}") != target:
        return {}
    _store(request, _FOUND, dict(request.GET))
    return dict(request.GET)


def _hash(request: Request, target: str) -> str:
    parts = urlsplit(target)
    plain = _plain(unquote(parts.path), parts.query)
    token = request.sessions.config.secrets.form_token(_purpose(request), plain)
    return token.rpartition(".")[2]


def _plain(path: str, query: str) -> str:
    """Return an address in one spelling: browsers escape the same address differently."""
    return repr((path, parse_qsl(query, keep_blank_values=True)))


def _purpose(request: Request) -> str:
    return "note {} {} {}".format(request.site.name, *csrf.subject(request))


def _store(request: Request, key: str, value: object) -> None:
    """Store a value for the response callback, which sets the cookie once: to a new note, or cleared."""
    if not {_FOUND, _NEXT} & request.environ.keys():
        request.add_response_callback(_set)
    request.environ[key] = value


def _set(request: Request, response: Response) -> None:
    note = request.environ.get(_NEXT)
    header = _JAR.header(COOKIE, note, _SECONDS) if note else _JAR.expired(COOKIE)
    response.headerlist.append(header)
