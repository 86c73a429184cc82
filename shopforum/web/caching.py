"""Caching and compression of responses.

- A static file whose address has the hash of its content never changes: browsers keep it for ever.
- A public page that a view declares so (`mark_public`) gets an ETag where it holds nothing of a session or a visitor: a
  browser that has it already is sent 304. All other pages are `no-store` (tweens.py).
- Text is compressed where the client takes gzip. A page may hold both a form token and text from the address, so the length
  of its compressed form would tell a third party about the token (BREACH). A random length in the header of the gzip file
  hides it (Heal the BREACH, IEEE TDSC 2022; Django does the same).
"""

import gzip
import hashlib
import re
import secrets
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO

from pyramid.registry import Registry
from pyramid.response import Response

from ..sessions import cookies
from . import notes
from .request import Request

_PUBLIC = "shopforum.public"
# A request with one of these belongs to somebody, or is to be told of an act.
_PERSONAL = {cookies.SESSION, cookies.REFRESH, "__Host-bound", notes.COOKIE}

_STATIC = "/static/"
_FOR_EVER = "public, max-age=31536000, immutable"
# Another version of the file than the one that was asked for, as in the middle of a deployment.
_FOR_NOW = "public, max-age=300"
_CHECKED = "public, no-cache"

_TEXT = (
    "text/",
    "application/json",
    "application/javascript",
    "application/xml",
    "application/atom+xml",
    "image/svg+xml",
)
_TAKES_GZIP = re.compile(r"(^|[\s,])gzip(?!\s*;\s*q=0(\.0*)?\s*(,|$))", re.IGNORECASE)
# Below this many bytes compression gains nothing.
_LEAST = 800
_LEVEL, _BEST = 5, 9
_MOST_PADDING = 64


def mark_public(request: Request) -> None:
    """Declare that the page is the same for every visitor who is not signed in."""
    request.environ[_PUBLIC] = True


def tween(handler: Callable[[Request], Response], registry: Registry) -> Callable[[Request], Response]:
    """Set what caches may do with a response, and compress it."""

    def deliver(request: Request) -> Response:
        response = handler(request)
        if response.status_int == 200:
            if request.environ.get("PATH_INFO", "").startswith(_STATIC):
                _cache_file(request, response)
            elif _is_public(request, response):
                digest = hashlib.sha256(response.body).hexdigest()[:24]
                response.headers["ETag"] = f'W/"{digest}"'
                response.headers["Cache-Control"] = _CHECKED
                response.headers["Vary"] = "Cookie"
                response.conditional_response = True
        _compress(request, response)
        return response

    return deliver


def _cache_file(request: Request, response: Response) -> None:
    # Imported here: templating imports this package's other modules first.
    from .templating import file_hash

    path = request.path_info.removeprefix(_STATIC)
    current = ".." not in path and request.GET.get("v") == file_hash(path)
    response.headers["Cache-Control"] = _FOR_EVER if current else _FOR_NOW


def _is_public(request: Request, response: Response) -> bool:
    """Return whether the page may be kept by a cache: declared public, and neither made for somebody nor setting a cookie.

    A page with a form token sets the visitor's cookie, so it is not public.
    """
    return (
        request.environ.get(_PUBLIC, False)
        and request.method == "GET"
        and not _PERSONAL & request.cookies.keys()
        and "Set-Cookie" not in response.headers
    )


def _compress(request: Request, response: Response) -> None:
    kind, length = response.content_type or "", response.content_length
    if (
        not kind.startswith(_TEXT)
        or length is None
        or length < _LEAST
        or "Content-Encoding" in response.headers
    ):
        return
    vary = response.headers.get("Vary")
    response.headers["Vary"] = f"{vary}, Accept-Encoding" if vary else "Accept-Encoding"
    if request.method == "HEAD" or not _TAKES_GZIP.search(request.headers.get("Accept-Encoding", "")):
        return
    if request.environ.get("PATH_INFO", "").startswith(_STATIC):
        response.body = _compressed_file(response.body)
    else:
        response.body = _gzip(response.body, _LEVEL, secrets.token_hex(secrets.randbelow(_MOST_PADDING)))
    response.headers["Content-Encoding"] = "gzip"


@lru_cache(maxsize=256)
def _compressed_file(body: bytes) -> bytes:
    return _gzip(body, _BEST, "")


def _gzip(body: bytes, level: int, padding: str) -> bytes:
    """Compress a body. The `padding` becomes the name of the file in the header of the result."""
    out = BytesIO()
    with gzip.GzipFile(padding, "wb", level, out, mtime=0) as file:
        file.write(body)
    return out.getvalue()
