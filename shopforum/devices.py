"""Names for browsers, from what they say of themselves: for people who look through a list of devices."""

from functools import lru_cache

from ua_parser import parse

from .sessions.audit import clean

_UNKNOWN = "Unknown device"


@lru_cache(maxsize=4096)
def label(agent: str) -> str:
    """A User-Agent as "Firefox 140 on Windows"; at most 80 characters, whatever comes in.

    A claim of the browser, nothing to decide by.
    """
    found = parse(clean(agent, 512))
    browser, system = found.user_agent, found.os
    parts = [f"{browser.family} {browser.major or ''}".strip()] if browser else []
    if system:
        parts.append(system.family)
    return " on ".join(parts)[:80] or _UNKNOWN
