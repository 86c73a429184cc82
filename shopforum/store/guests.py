"""Guests' carts: a request means the cart of the signed-in user, or of the guest who holds the cart cookie.

The cookie is a secret of 256 bits; the database has only its keyed hash. It is set when a guest first adds a product,
and deleted when a login has merged the cart.
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
# The key in `request.environ` under which the cart's page leaves its number of pieces for the header.
ITEMS = "shopforum.store.items"

_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")
_JAR = cookies.CookieJar()


def token(request: Request) -> str | None:
    """Return the cart cookie, or None if it is missing or malformed."""
    return cookies.read(request, COOKIE, _SHAPE)


def new_token(request: Request) -> str:
    """Return a new value for the cookie: 32 bytes as base64url. Two concurrent first additions get the same value, and so
    the same cart.

    The value is derived, with a key, from the visitor's cookie, which both requests carry. A browser whose session has
    just ended has no such cookie. Its session id is no replacement: a thief of the session id alone would see the cart.
    """
    secret = cookies.read(request, cookies.VISITOR, _SHAPE)
    if secret is None:
        return secrets.token_urlsafe(32)
    config = request.sessions.config
    digest = config.secrets.digest(config.site, "new cart", secret)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def owner(request: Request) -> Owner:
    """Return the owner of the cart that this request may see and change."""
    if request.identity is not None:
        return Owner(user_id=request.identity.user_id)
    value = token(request)
    key_id = request.sessions.config.secrets.id
    return Owner(guest_hashes=_hashes(request, value) if value else (), key_id=key_id)


def new_hash(request: Request, value: str) -> bytes:
    """Return the hash under which a new guest's cart is stored."""
    return _hashes(request, value)[0]


def keep(value: str) -> tuple[str, str]:
    """Return the header that sets the cookie, for 30 days from now."""
    return _JAR.header(COOKIE, value, MAX_AGE)


def require_whole_session(request: Request) -> None:
    """Raise HTTPForbidden if the request has session cookies but no session: an ended session, or half of a stolen pair.

    Such a request asks for a user's cart. A guest's cart in its place would look as if the user's were lost, so the request
    is sent to the login, like one that has no cart at all.
    """
    if request.identity is None and {cookies.SESSION, cookies.REFRESH} & request.cookies.keys():
        raise HTTPForbidden


def merge_cart(request: Request, user_id: UUID, target: str) -> LoginHookResult | None:
    """Login hook: merge the guest's cart into the user's, and delete the cart cookie."""
    value = token(request)
    if value is None:
        return None
    buying = target.partition("?")[0] == "/checkout"
    changed = merging.merge(request.site_db, _hashes(request, value), user_id, buying=buying)
    return LoginHookResult([_JAR.expired(COOKIE)], "merged" if changed else None)


def _hashes(request: Request, value: str) -> tuple[bytes, ...]:
    config = request.sessions.config
    return tuple(config.secrets.digests(config.site, "cart", value))
