"""The headers of Device Bound Session Credentials: what the browser says, and what it is told (W3C DBSC).

The specification writes a value as a quoted string (RFC 9651), and Chromium sends it bare: both are read. Internal.
"""

import re

from pyramid.request import Request

from .binding import Skipped
from .binding_proof import ALGORITHMS
from .vocabulary import SkipReason

REGISTER_PATH, REFRESH_PATH = "/dbsc/register", "/dbsc/refresh"

_SKIPPED = re.compile(rf'({"|".join(SkipReason)})\s*;\s*session_identifier="([A-Za-z0-9._-]{{1,200}})"')


def registration(challenge: str) -> tuple[str, str]:
    """Return the header that asks the browser to register a key by signing the challenge."""
    value = f'({" ".join(ALGORITHMS)});path="{REGISTER_PATH}";challenge="{challenge}"'
    return "Secure-Session-Registration", value


def next_challenge(identifier: str, challenge: str) -> tuple[str, str]:
    """Return the header that hands the browser the next challenge of a session."""
    return "Secure-Session-Challenge", f'"{challenge}";id="{identifier}"'


def proof(request: Request) -> str | None:
    """Return the signed proof as it was sent, or None."""
    return _value(request, "Secure-Session-Response")


def identifier(request: Request) -> str:
    """Return the browser's name of the session whose cookie it renews; "" without one."""
    return _value(request, "Sec-Secure-Session-Id") or ""


def skipped(request: Request) -> tuple[Skipped, ...]:
    """Return the browser's reasons for bound cookies that it has not renewed: one for each of its sessions with the site."""
    said = request.headers.get("Secure-Session-Skipped", "")[:1000]
    return tuple(Skipped(SkipReason(reason), identifier) for reason, identifier in _SKIPPED.findall(said))


def _value(request: Request, name: str) -> str | None:
    sent = request.headers.get(name)
    quoted = sent is not None and len(sent) > 1 and sent[0] == sent[-1] == '"'
    return sent[1:-1] if sent and quoted else sent
