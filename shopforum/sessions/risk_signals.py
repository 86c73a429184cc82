"""Risk signals: reasons to think that a session has a second holder.

The signals compare what a user agent means, not its text: a browser update or a new mobile network is no signal, a
different browser or operating system is (OWASP Cookie Theft Mitigation Cheat Sheet).

A user agent can be copied along with the cookies, so a missing signal proves nothing, and a signal proves little. Each
site chooses what signals do: nothing (`off`), a flag and an audit row (`monitor`), or quarantine until the password is
given again (`enforce`).
"""

from ..core import addresses, user_agents
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


def signals(found: FoundSession, client: Client) -> tuple[FlagKind, ...]:
    """Return the signals of a request with a good pair of the found session; empty for most requests.

    Browser family and operating system are compared with those of the login. The version is compared with the one last
    seen: a browser only ever gets newer.
    """
    signals = []
    if client.agent != found.last_agent:
        login, last, now = map(user_agents.meaning, (found.agent, found.last_agent, client.agent))
        signals += [FlagKind.OTHER_SYSTEM] * (now.system != login.system)
        signals += [FlagKind.OTHER_BROWSER] * (now.family != login.family)
        older = now.family == last.family and _number(now.major) < _number(last.major)
        signals += [FlagKind.OLDER_BROWSER] * older
    if addresses.other_network(found.last_address, client.address):
        signals += [FlagKind.TWO_PLACES] * found.was_here
        signals += [FlagKind.OTHER_NETWORK]
    return tuple(signals)


def is_elsewhere(address: str | None, agent: str, client: Client) -> bool:
    """Return whether a client is in another network, or is another browser or operating system, than a place where the session
    was used: the definition for all rules, signals and lists.
    """
    return addresses.other_network(address, client.address) or user_agents.other_browser(agent, client.agent)


def _number(major: str) -> int:
    return int(major[:6]) if major[:6].isdecimal() else 0
