"""What a page says has happened is believed only from the act itself.

An act answers with a redirect whose query says what it did, `/orders/H-1?notice=placed`. Anybody can write such an
address, or send somebody a link to it, so by itself it says nothing. With the redirect goes a cookie, `__Host-note`: a
keyed hash of that very address and of whose it is, the session's or the visitor's. The page that finds its own address in
the cookie believes its query, says so, and clears the cookie: once, in the browser where it was done.

The cookie holds no message, so that neither its size nor a statement is needed. A hash in the address in its place would
be believed again by every reload, bookmark and passed-on link. Of two acts at once the later cookie stays, and the
other's page says nothing; what it did is done, and the page shows how things are.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

from ..sessions import cookies, csrf
from .request import Request

COOKIE = "__Host-note"
# For a redirect that is followed at once, over a slow network.
_SECONDS = 120
_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")
_JAR = cookies.CookieJar("Lax")
_FOUND, _NEXT = "shopforum.note.found", "shopforum.note.next"


def leave(request: Request, target: str) -> str:
    """Have the page at `target`, an address of this host, believe its query; returns the address, to redirect to."""
    if "?" in target:
        _answer(request, _NEXT, _hash(request, target))
    return target


def see_other(request: Request, target: str) -> HTTPSeeOther:
    """The redirect after an act, to a page that says what was done."""
    return HTTPSeeOther(leave(request, target))


def said(request: Request) -> Mapping[str, str]:
    """This page's query where an act of this session or visitor has led here, else nothing. Believed, it is used up."""
    found: Mapping[str, str] | None = request.environ.get(_FOUND)
    if found is not None:
        return found
    note = cookies.read(request, COOKIE, _SHAPE)
    # Nobody has seen yet what was fetched ahead of time.
    if note is None or request.method != "GET" or "prefetch" in request.headers.get("Sec-Purpose", ""):
        return {}
    target, purpose = _plain(request.path_info, request.query_string), _purpose(request)
    if request.sessions.config.secrets.form_subject(purpose, f"{target}.{note}") != target:
        return {}
    _answer(request, _FOUND, dict(request.GET))
    return dict(request.GET)


def _hash(request: Request, target: str) -> str:
    parts = urlsplit(target)
    plain = _plain(unquote(parts.path), parts.query)
    token: str = request.sessions.config.secrets.form_token(_purpose(request), plain)
    return token.rpartition(".")[2]


def _plain(path: str, query: str) -> str:
    """An address as it is read: browsers spell one in more ways than one."""
    return repr((path, parse_qsl(query, keep_blank_values=True)))


def _purpose(request: Request) -> str:
    return "note {} {} {}".format(request.site.name, *csrf.subject(request))


def _answer(request: Request, key: str, value: Any) -> None:
    """Remember it for the cookie of the response, which is set once: a new note, or none any more."""
    if not {_FOUND, _NEXT} & request.environ.keys():
        request.add_response_callback(_set)
    request.environ[key] = value


def _set(request: Request, response: Response) -> None:
    note = request.environ.get(_NEXT)
    header = _JAR.header(COOKIE, note, _SECONDS) if note else _JAR.expired(COOKIE)
    response.headerlist.append(header)
