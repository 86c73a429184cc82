"""Names of browsers, and the search for a browser by words, which filters and deny rules share.

Words are searched in the label ("Mobile Safari 26 on iOS") and in the User-Agent. Filters and deny rules must search in the
same text: otherwise a rule made from a filter would refuse nobody.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from ua_parser import parse

from .text import clean

_UNKNOWN = "Unknown device"


class Meaning(NamedTuple):
    """The facts in a User-Agent: the browser's family and major version, and the family of the operating system. Empty if unknown.

    It is the browser's claim, and can be copied.
    """

    family: str
    major: str
    system: str


@lru_cache(maxsize=16384)
def meaning(agent: str) -> Meaning:
    """Return what a User-Agent means."""
    found = parse(clean(agent, 512))
    browser, system = found.user_agent, found.os
    return Meaning(
        browser.family if browser else "",
        (browser.major or "") if browser else "",
        system.family if system else "",
    )


def other_browser(one: str, other: str) -> bool:
    """Return whether two User-Agents mean different browsers or operating systems. An update is the same browser."""
    return one != other and meaning(one)[::2] != meaning(other)[::2]


@lru_cache(maxsize=16384)
def label(agent: str) -> str:
    """Return a User-Agent as "Firefox 140 on Windows", in at most 80 characters."""
    family, major, system = meaning(agent)
    return " on ".join(filter(None, (f"{family} {major}".strip(), system)))[:80] or _UNKNOWN


# Families that the parser keeps apart and a person does not.
_PLAIN = {
    "Mobile Safari": "Safari",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Edge Mobile": "Edge",
    "Samsung Internet": "Samsung browser",
    "Mac OS X": "Mac",
    "Chrome OS": "Chromebook",
}


@lru_cache(maxsize=16384)
def plain_name(agent: str) -> str:
    """Return a User-Agent as its owner would call the device: "Safari on iPhone". Versions are left out, at most 80 characters."""
    found = parse(clean(agent, 512))
    browser = found.user_agent.family if found.user_agent else ""
    system = found.os.family if found.os else ""
    if found.device and found.device.family in ("iPhone", "iPad"):
        system = found.device.family
    parts = [_PLAIN.get(name, name) for name in (browser, system) if name]
    return " on ".join(parts)[:80] or _UNKNOWN


def words(typed: str) -> list[str]:
    """Return the words of a search, in the form that `text` has."""
    return typed.casefold().split()


def text(agent: str) -> str:
    """Return the text of a User-Agent in which words are searched."""
    return f"{label(agent)} {agent}".casefold()


def means(wanted: Iterable[str], agent: str) -> bool:
    """Return whether a User-Agent holds each of the words, each anywhere. `rules.MATCHING` asks the same in SQL."""
    held = text(agent)
    return all(word in held for word in wanted)
