"""The two cookies of a session: read from the raw header, set and expired with one set of attributes.

`__Host-` names are bound to one host by the browser (RFC 6265bis): a sibling site can neither read nor plant them.
WebOb is bypassed where it is too kind: it takes the last of two cookies with one name, and its delete_cookie() drops
`Secure`, so that browsers ignore the deletion of a `__Host-` cookie.
"""

import re
from dataclasses import dataclass

from pyramid.request import Request

SESSION = "__Host-session"
REFRESH = "__Host-refresh"
# What forms of somebody who is signed out are bound to (csrf.py).
VISITOR = "__Host-csrf"


@dataclass(frozen=True)
class CookieJar:
    """How this site writes its cookies. `same_site` is Lax or Strict."""

    same_site: str = "Lax"

    def header(self, name: str, value: str, max_age: int) -> tuple[str, str]:
        """A Set-Cookie header; `max_age` in seconds. Raises ValueError where a browser would drop the cookie."""
        if len(name) + len(value) > 4096:
            raise ValueError(f"{name} would be longer than browsers keep")
        attributes = f"Path=/; Max-Age={max_age}; Secure; HttpOnly; SameSite={self.same_site}"
        return "Set-Cookie", f"{name}={value}; {attributes}"

    def expired(self, name: str) -> tuple[str, str]:
        """A Set-Cookie header that removes the cookie."""
        return self.header(name, "", 0)


def read(request: Request, name: str, shape: re.Pattern[str]) -> str | None:
    """The cookie's value if it is there once and has the right shape; anything else counts as absent.

    A security cookie that comes twice was planted by somebody, and which one is ours cannot be told.
    """
    found = [value for key, value in _pairs(request.environ.get("HTTP_COOKIE", "")) if key == name]
    if len(found) != 1 or not shape.fullmatch(found[0]):
        return None
    return found[0]


def _pairs(header: str) -> list[tuple[str, str]]:
    """The cookies as sent. Names are compared to the letter: `__HOST-session` is a stranger, and so is one behind a
    space of another kind (U+0085, U+00A0), which a browser takes for no prefix and lets a sibling host set.
    """
    pairs = (part.strip(" \t").partition("=") for part in header.split(";"))
    return [(key, value) for key, _, value in pairs]
