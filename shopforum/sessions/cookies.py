"""The cookies of a session: read from the raw header, set and expired with one set of attributes.

`__Host-` names are bound to one host by the browser (RFC 6265bis): a sibling site can neither read nor plant them.
WebOb is bypassed where it is too lenient: it takes the last of two cookies with one name, and its delete_cookie() leaves
out `Secure`, so browsers ignore the deletion of a `__Host-` cookie.
"""

import re
from collections import Counter
from dataclasses import dataclass

from pyramid.request import Request

SESSION = "__Host-session"
REFRESH = "__Host-refresh"
# Short-lived, beside the two of a session that is bound to a device (binding.py).
BOUND = "__Host-bound"
# Forms of a visitor who is not signed in are bound to this cookie (csrf.py).
VISITOR = "__Host-csrf"
# Set by a login, and kept when the session is over: a browser in which somebody has logged in to this site.
DEVICE = "__Host-device"


@dataclass(frozen=True)
class CookieJar:
    """A writer of this site's cookies. `same_site` is Lax or Strict."""

    same_site: str = "Lax"

    @property
    def attributes(self) -> str:
        """The attributes of every cookie, but for its age."""
        return f"Path=/; {self._flags}"

    @property
    def _flags(self) -> str:
        return f"Secure; HttpOnly; SameSite={self.same_site}"

    def header(self, name: str, value: str, max_age: int) -> tuple[str, str]:
        """Return a Set-Cookie header; `max_age` in seconds. Raises ValueError where a browser would drop the cookie."""
        if len(name) + len(value) > 4096:
            raise ValueError(f"{name} would be longer than browsers keep")
        return "Set-Cookie", f"{name}={value}; Path=/; Max-Age={max_age}; {self._flags}"

    def expired(self, name: str) -> tuple[str, str]:
        """Return a Set-Cookie header that deletes the cookie."""
        return self.header(name, "", 0)


def read(request: Request, name: str, shape: re.Pattern[str]) -> str | None:
    """Return the cookie's value if it is present once and has the right shape; otherwise None, as if it were absent.

    A security cookie that comes twice was planted, and the two cannot be told apart.
    """
    found = [value for key, value in _pairs(request.environ.get("HTTP_COOKIE", "")) if key == name]
    if len(found) != 1 or not shape.fullmatch(found[0]):
        return None
    return found[0]


def sent_twice(request: Request) -> list[str]:
    """Return the names of the `__Host-` cookies that come more than once: `read` takes none of them."""
    pairs = _pairs(request.environ.get("HTTP_COOKIE", ""))
    # Counted in one pass: a header may hold many thousand names.
    counts = Counter(name for name, _ in pairs if name.startswith("__Host-"))
    return sorted(name for name, count in counts.items() if count > 1)


def _pairs(header: str) -> list[tuple[str, str]]:
    """Return the cookies as sent. Names are compared exactly: `__HOST-session` is another cookie, and so is a name behind
    an unusual space (U+0085, U+00A0), in which a browser sees no `__Host-` prefix and which a sibling host may set.
    """
    pairs = (part.strip(" \t").partition("=") for part in header.split(";"))
    return [(key, value) for key, _, value in pairs]
