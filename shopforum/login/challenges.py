"""A login that waits for its second factor: FusionAuth's challenge, in a signed cookie between two pages.

The cookie is for this host only and lasts five minutes. FusionAuth's id of the challenge is in no address, page, log or table;
FusionAuth accepts each challenge once.
"""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from pyramid.response import Response

from ..sessions import LoginStart, cookies
from ..web import notes
from ..web.request import Request

COOKIE = "__Host-two-factor"
# Two parts of base64url, as `form_token` makes them.
_SHAPE = re.compile(r"[A-Za-z0-9_-]{1,3700}\.[A-Za-z0-9_-]{43}")
# Lax: a link from another site has to carry the cookie, or it would end the login.
_JAR = cookies.CookieJar("Lax")
_SECONDS = 300
_LATE = "/login?why=challenge"


@dataclass(frozen=True)
class Challenge:
    """A login that waits for its second factor.

    `methods` are triples of FusionAuth's id, the kind and a masked hint; without any, an authenticator has to be set up first.
    `email` is the typed address. `start` is the moment before FusionAuth was first asked. `proof` is Attempt's.
    """

    id: str
    methods: tuple[tuple[str, str, str], ...]
    email: str
    start: LoginStart
    target: str | None
    proof: str


def header(request: Request, challenge: Challenge) -> tuple[str, str]:
    """Return the Set-Cookie header of a challenge."""
    signed = _signed(request, challenge)
    if not _SHAPE.fullmatch(signed):
        # Browsers drop a cookie that is too long. Without the target the login ends on the landing page.
        signed = _signed(request, replace(challenge, target=None))
    return _JAR.header(COOKIE, signed, _SECONDS)


def expired() -> tuple[str, str]:
    """Return the Set-Cookie header that deletes the cookie."""
    return _JAR.expired(COOKIE)


def read(request: Request) -> Challenge | None:
    """Return the challenge of the request's cookie if its signature is valid and it is not too old, or None."""
    cookie = cookies.read(request, COOKIE, _SHAPE)
    encoded = request.sessions.config.secrets.form_subject(_purpose(request), cookie) if cookie else None
    if encoded is None:
        return None
    two_factor_id, methods, email, at, epoch, target, proof = json.loads(
        base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    )
    start = LoginStart(datetime.fromisoformat(at), epoch)
    challenge = Challenge(two_factor_id, tuple(map(tuple, methods)), email, start, target, proof)
    age = (request.sessions.now() - challenge.start.at).total_seconds()
    return challenge if 0 <= age <= _SECONDS else None


def late(request: Request, redirect: Callable[..., Response]) -> Response:
    """Redirect to the login. The page says that the code came too late only if the browser has had a challenge."""
    target = notes.leave(request, _LATE) if COOKIE in request.cookies else _LATE
    return redirect(target, headers=[expired()])


def _signed(request: Request, challenge: Challenge) -> str:
    content = json.dumps(
        [
            challenge.id,
            challenge.methods,
            challenge.email,
            challenge.start.at.isoformat(),
            challenge.start.epoch,
            challenge.target,
            challenge.proof,
        ]
    )
    encoded = base64.urlsafe_b64encode(content.encode()).rstrip(b"=").decode()
    return request.sessions.config.secrets.form_token(_purpose(request), encoded)


def _purpose(request: Request) -> str:
    return f"two-factor {request.site.name}"
