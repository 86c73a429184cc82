"""Whose cart a request means: the user's, or the guest's who holds the cart cookie.

The cookie is a secret of 256 bits; the database knows its keyed hash alone. It is set when a guest first puts
something in, and gone when a login has merged the cart.
"""

import base64
import re
import secrets
from uuid import UUID

from pyramid.httpexceptions import HTTPForbidden

from ..sessions import cookies
from ..web.contributions import LoginHookResult
from ..web.request import Request
from . import merging
from .cart import Owner

COOKIE = "__Host-cart"
MAX_AGE = 30 * 86400
# Where the cart page leaves the number of its pieces for the header.
ITEMS = "shopforum.store.items"

_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")
_JAR = cookies.CookieJar()


def token(request: Request) -> str | None:
    """The cart cookie, if there is one of the right shape."""
    return cookies.read(request, COOKIE, _SHAPE)


def new_token(request: Request) -> str:
    """A fresh value for the cookie: 32 bytes as base64url. Two first additions at once get the same, and so one cart.

    It is made, by a key, from the secret that a visitor's browser sends with both. A session that has just ended has
    none; its own id will not do, a thief of that alone would see the cart.
    """
    secret = cookies.read(request, cookies.VISITOR, _SHAPE)
    if secret is None:
        return secrets.token_urlsafe(32)
    config = request.sessions.config
    digest = config.secrets.digest(config.site, "new cart", secret)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def owner(request: Request) -> Owner:
    """Who owns the cart that this request may see and change."""
    if request.identity is not None:
        return Owner(user_id=request.identity.user_id)
    value = token(request)
    return Owner(guest_hashes=_hashes(request, value)) if value else Owner()


def new_hash(request: Request, value: str) -> bytes:
    """The hash under which a new guest's cart is kept."""
    return _hashes(request, value)[0]


def keep(value: str) -> tuple[str, str]:
    """The header that sets the cookie, for 30 days from now."""
    return _JAR.header(COOKIE, value, MAX_AGE)


def require_whole_session(request: Request) -> None:
    """Raise HTTPForbidden for session cookies that are no session: one that is over, or half of a stolen pair.

    They came for a user's cart. A guest's in its place would look as if the user's were lost, so they are sent to
    the login, like everybody who has no cart at all.
    """
    if request.identity is None and {cookies.SESSION, cookies.REFRESH} & request.cookies.keys():
        raise HTTPForbidden


def merge_cart(request: Request, user_id: UUID, target: str) -> LoginHookResult | None:
    """Login hook: the guest's cart goes into the user's, and its cookie goes."""
    value = token(request)
    if value is None:
        return None
    buying = target.partition("?")[0] == "/checkout"
    changed = merging.merge(request.db, _hashes(request, value), user_id, buying=buying)
    return LoginHookResult([_JAR.expired(COOKIE)], "merged" if changed else None)


def _hashes(request: Request, value: str) -> tuple[bytes, ...]:
    config = request.sessions.config
    return tuple(config.secrets.digests(config.site, "cart", value))
