"""The owner of a browser's passkey: the address with which a passkey was last made or used here, so that it need not be typed.

FusionAuth makes no challenge without an account. The address is in a cookie of one host, encrypted; it opens nothing.
"""

from ..sessions import cookies
from ..web.request import Request
from . import encrypted_values

COOKIE = "__Host-passkey"
_JAR = cookies.CookieJar("Lax")
_PURPOSE = "passkey user"
# The longest that browsers keep a cookie (RFC 6265bis).
_MAX_AGE = 400 * 86400


def read(request: Request) -> str | None:
    """Return the address of the owner, or None where no passkey was used in this browser."""
    kept = encrypted_values.decrypt(request, _PURPOSE, cookies.read(request, COOKIE, encrypted_values.SHAPE))
    return str(kept[0]) if kept else None


def header(request: Request, email: str) -> tuple[str, str]:
    """Return the Set-Cookie header that stores the owner's address."""
    return _JAR.header(COOKIE, str(encrypted_values.encrypt(request, _PURPOSE, [email])), _MAX_AGE)
