r"""The path that a login redirects to: `next` if it is a page of this host, else the site's landing page.

With an open redirect, an attacker's link to the login page would end on the attacker's copy of the site, just after the
password was given (ASVS 5.0 3.7.2). Browsers read an address more freely than a server does: `\\` as `/`, and tabs and
line ends as nothing. So the rule is a list of what is allowed. A path without a page would end the login on an error.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit

from pyramid.request import Request

from ..core.sites import ADMIN, FORUMS, STORE
from . import methods

_LANDING = {STORE: "/shopping-cart", FORUMS: "/posts", ADMIN: "/sessions"}
_LONGEST = 2000

# A path with or without a query, in the characters of an address.
_PLAIN = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?\[\]|-]*)?")
# A path must not hold these, even when decoded: empty and dot segments, backslashes, control characters.
_ODD = re.compile(r"//|/\.{1,2}(/|$)|[\\\x00-\x20\x7f-\x9f\u2028\u2029\ufffd]")
_LOOP = re.compile(r"/(login|logout)(/|$)", re.IGNORECASE)


def page(request: Request, target: str | None) -> str | None:
    """Return `target` if it is a path of this host that a login may redirect to, and this site has a page there; else None."""
    path = safe(target)
    return path if path and methods.has_page(request, path.partition("?")[0]) else None


def safe(target: str | None) -> str | None:
    """Return `target` if it is spelled as a path of this host that a login may redirect to, else None."""
    if not target or len(target) > _LONGEST or not _PLAIN.fullmatch(target):
        return None
    path = target.partition("?")[0]
    # Decode twice: another server may decode the path once more.
    once = unquote(path)
    if any(_ODD.search(text) or _LOOP.match(text) for text in (path, once, unquote(once))):
        return None
    return target


def landing(site: str) -> str:
    """Return the path that a login without `next` redirects to."""
    return _LANDING[site]


def with_notice(target: str, code: str) -> str:
    """Return `target` with the code of a notice in its query."""
    return with_query(target, {"notice": code})


def with_query(target: str, more: Mapping[str, str]) -> str:
    """Return `target` with more in its query."""
    parts = urlsplit(target)
    query = "&".join(filter(None, (parts.query, urlencode(more))))
    return urlunsplit(parts._replace(query=query))
