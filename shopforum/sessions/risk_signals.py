"""Signals that a session may have a second holder, by meaning: what a browser's update or a phone's next cell changes
is none, another browser is (OWASP Cookie Theft Mitigation: "do not compare for equality, compare meaning").

What a browser says of itself can be copied with its cookies, so a signal that is missing proves nothing, and one
that is there proves little. Per site they are off, watched (`monitor`: a flag and an audit row) or acted upon
(`enforce`: quarantine, the password once more, nothing lost).
"""

import ipaddress
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import RowMapping
from ua_parser import parse

from .audit import Client

MODES = ("off", "monitor", "enforce")

# In the order in which a person would want to read them.
SIGNALS = ("other_system", "other_browser", "older_browser", "two_places", "other_network")

# Used from a network, from another one, and from the first again within so many seconds: two machines, or a phone that
# wavers between two networks.
AT_ONCE = 120


class _Browser(NamedTuple):
    """What an agent says: family and major version of the browser, family of the operating system."""

    family: str
    major: int
    system: str


def signals(session: RowMapping, client: Client) -> tuple[str, ...]:
    """The signals of a request with a good pair of `session`, a row of `records.find`; empty for most.

    Family and system are compared with those of the login, the version with the one seen last: a browser only ever
    gets newer.
    """
    found = []
    if client.agent != session["last_agent"]:
        login, last, now = (
            _browser(text) for text in (session["agent"], session["last_agent"], client.agent)
        )
        found += ["other_system"] * (now.system != login.system)
        found += ["other_browser"] * (now.family != login.family)
        found += ["older_browser"] * (now.family == last.family and now.major < last.major)
    found += ["two_places"] * bool(session["came_back"])
    found += ["other_network"] * bool(session["moved"])
    return tuple(found)


def network(address: str | None) -> str | None:
    """The network of an address, as coarse as a household or a company: /24 of IPv4, /48 of IPv6."""
    if address is None:
        return None
    length = 24 if ipaddress.ip_address(address).version == 4 else 48
    return str(ipaddress.ip_network(f"{address}/{length}", strict=False))


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
