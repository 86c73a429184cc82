r"""Where a login leads: `next`, if it is a page of this host, else the site's landing page.

An open redirect would let a stranger's link end on a stranger's copy of our page, just after the password was given
(ASVS 5.0 3.7.2). Browsers read addresses in more ways than one: `\\` as `/`, tabs and line ends as nothing. So the rule
names what is allowed and refuses everything else.
"""

import re
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit

_LANDING = {"store": "/shopping-cart", "forums": "/posts", "admin": "/sessions"}
_LONGEST = 2000

# A path, and perhaps a query, in the characters that an address is made of.
_PLAIN = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?\[\]|-]*)?")
# What the path must not hold even when decoded: empty and dot segments, backslashes, control characters.
_ODD = re.compile(r"//|/\.{1,2}(/|$)|[\\\x00-\x20\x7f-\x9f\u2028\u2029\ufffd]")
_LOOP = re.compile(r"/(login|logout)(/|$)", re.IGNORECASE)


def safe(target: str | None) -> str | None:
    """`target` if it is a path of this host where a login may lead, else None."""
    if not target or len(target) > _LONGEST or not _PLAIN.fullmatch(target):
        return None
    path = target.partition("?")[0]
    # Twice, because something behind us may decode once more.
    once = unquote(path)
    if any(_ODD.search(text) or _LOOP.match(text) for text in (path, once, unquote(once))):
        return None
    return target


def landing(site: str) -> str:
    """The page where a login leads that came from nowhere in particular."""
    return _LANDING[site]


def with_notice(target: str, code: str) -> str:
    """`target` with a notice's code in its query."""
    parts = urlsplit(target)
    query = "&".join(filter(None, (parts.query, urlencode({"notice": code}))))
    return urlunsplit(parts._replace(query=query))
