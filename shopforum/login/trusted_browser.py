"""Browsers that their owners trust: FusionAuth asks them for no second factor while its own trust lasts.

FusionAuth's id of the trust is in a cookie of one host. Alone it opens nothing: the password is asked for all the same, and
FusionAuth accepts the id for its user only. The console asks for the second factor at every login.
"""

import re

from ..core.sites import ADMIN
from ..sessions import cookies
from ..web.request import Request

COOKIE = "__Host-trust"
_SHAPE = re.compile(r"[A-Za-z0-9._~+/=-]{1,1024}")
_JAR = cookies.CookieJar("Lax")
# FusionAuth's default. An id whose trust has ended counts as none.
_MAX_AGE = 30 * 86400


def is_offered(request: Request) -> bool:
    """Return whether people may trust a browser on this site."""
    return request.site.name != ADMIN


def read(request: Request) -> str | None:
    """Return FusionAuth's id of this browser's trust, or None."""
    return cookies.read(request, COOKIE, _SHAPE) if is_offered(request) else None


def headers(request: Request, trust_id: str | None) -> list[tuple[str, str]]:
    """Return the headers that store a trust which FusionAuth has given; none for one that no cookie can hold."""
    if not is_offered(request) or trust_id is None or not _SHAPE.fullmatch(trust_id):
        return []
    return [_JAR.header(COOKIE, trust_id, _MAX_AGE)]
