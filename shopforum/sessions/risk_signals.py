"""Risk signals: reasons to think that a session has a second holder.

The signals compare what a user agent means, not its text: a browser update or a new mobile network is no signal, a
different browser or operating system is (OWASP Cookie Theft Mitigation Cheat Sheet).

A user agent can be copied along with the cookies, so a missing signal proves nothing, and a signal proves little. Each
site chooses what signals do: nothing (`off`), a flag and an audit row (`monitor`), or quarantine until the password is
given again (`enforce`).
"""

from functools import lru_cache
from typing import NamedTuple

from ua_parser import parse

from .audit import Client
from .rows import FoundSession
from .vocabulary import FlagKind

MODES = ("off", "monitor", "enforce")

# In the order in which a person would want to read them.
SIGNALS = (
    FlagKind.OTHER_SYSTEM,
    FlagKind.OTHER_BROWSER,
    FlagKind.OLDER_BROWSER,
    FlagKind.TWO_PLACES,
    FlagKind.OTHER_NETWORK,
)

# Seconds. A session that changes its network and returns within this time is used on two machines, or on a phone that
# wavers between two networks.
AT_ONCE = 120


class _Browser(NamedTuple):
    """A user agent's meaning: family and major version of the browser, family of the operating system."""

    family: str
    major: int
    system: str


def signals(found: FoundSession, client: Client) -> tuple[FlagKind, ...]:
    """Return the signals of a request with a good pair of the found session; empty for most requests.

    Browser family and operating system are compared with those of the login. The version is compared with the one last
    seen: a browser only ever gets newer.
    """
    signals = []
    if client.agent != found.last_agent:
        login, last, now = (_browser(text) for text in (found.agent, found.last_agent, client.agent))
        signals += [FlagKind.OTHER_SYSTEM] * (now.system != login.system)
        signals += [FlagKind.OTHER_BROWSER] * (now.family != login.family)
        signals += [FlagKind.OLDER_BROWSER] * (now.family == last.family and now.major < last.major)
    signals += [FlagKind.TWO_PLACES] * found.came_back
    signals += [FlagKind.OTHER_NETWORK] * found.moved
    return tuple(signals)


def is_elsewhere(found: FoundSession, client: Client) -> bool:
    """Return whether a request comes from another network, browser or operating system than the session's last one."""
    if client.agent == found.last_agent:
        return found.moved
    last, now = _browser(found.last_agent), _browser(client.agent)
    return found.moved or (last.family, last.system) != (now.family, now.system)


@lru_cache(maxsize=4096)
def _browser(agent: str) -> _Browser:
    found = parse(agent[:512])
    browser, system = found.user_agent, found.os
    major = browser.major if browser and browser.major else ""
    return _Browser(
        browser.family if browser else "",
        int(major[:6]) if major[:6].isdecimal() else 0,
        system.family if system else "",
    )
