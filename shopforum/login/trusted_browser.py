"""Browsers that their owners trust: FusionAuth asks them for no second factor while its own trust lasts.

FusionAuth's id of the trust is in a cookie of one host, encrypted with the user and the moment at which the trust was given. Alone
it opens nothing: the password is asked for all the same, and FusionAuth accepts the id for its user only. FusionAuth is not told
of the trust any more once sessions of the user were ended or quarantined, because the cookie may be in a thief's jar as well.
The console asks for the second factor at every login.
"""

import re
from datetime import datetime
from uuid import UUID

from ..core.sites import ADMIN
from ..sessions import LoginStart, cookies
from ..web.request import Request
from . import encrypted_values

COOKIE = "__Host-trust"
_TRUST = re.compile(r"[A-Za-z0-9._~+/=-]{1,1024}")
_JAR = cookies.CookieJar("Lax")
_PURPOSE = "trusted browser"
# FusionAuth's default. An id whose trust has ended counts as none.
_MAX_AGE = 30 * 86400


def is_offered(request: Request) -> bool:
    """Return whether people may trust a browser on this site."""
    return request.site.name != ADMIN


def read(request: Request) -> str | None:
    """Return FusionAuth's id of this browser's trust, or None for one that is not trusted, or no longer."""
    cookie = cookies.read(request, COOKIE, encrypted_values.SHAPE) if is_offered(request) else None
    kept = encrypted_values.decrypt(request, _PURPOSE, cookie)
    if kept is None:
        return None
    trust_id, user_id, at, epoch = kept
    start = LoginStart(datetime.fromisoformat(at), epoch)
    return None if request.sessions.is_distrusted_since(start, UUID(user_id)) else str(trust_id)


def headers(
    request: Request, trust_id: str | None, user_id: UUID, start: LoginStart
) -> list[tuple[str, str]]:
    """Return the headers that store a trust which FusionAuth has given to a login that began at `start`; none for one that no cookie
    can hold.
    """
    if not is_offered(request) or trust_id is None or not _TRUST.fullmatch(trust_id):
        return []
    kept = encrypted_values.encrypt(
        request, _PURPOSE, [trust_id, str(user_id), start.at.isoformat(), start.epoch]
    )
    return [_JAR.header(COOKIE, str(kept), _MAX_AGE)]
