"""Browsers by name, and the one answer to whether a browser is meant by some words: filters and deny rules both ask here.

Words are looked for in the name that people see ("Mobile Safari 26 on iOS") and in what the browser calls itself (its
User-Agent). Were a rule to look in one and a filter in the other, a rule made from a filter would refuse nobody.
"""

from collections.abc import Iterable
from functools import lru_cache

from ua_parser import parse

from .text import clean

_UNKNOWN = "Unknown device"


@lru_cache(maxsize=16384)
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


def words(typed: str) -> list[str]:
    """The words that somebody typed to name a browser, as `text` has them."""
    return typed.casefold().split()


def text(agent: str) -> str:
    """The text of a User-Agent that words are looked for in."""
    return f"{label(agent)} {agent}".casefold()


def means(wanted: Iterable[str], agent: str) -> bool:
    """Whether a User-Agent holds each of the words, each anywhere. `rules.MATCHING` asks the same in SQL."""
    held = text(agent)
    return all(word in held for word in wanted)
