"""The one parser of IP addresses, whatever their source: the peer, a proxy's header, filters, rules, the API, the command
line.

An address that is stored in two spellings would be two clients: a filter would miss one of them, it would evade a deny
rule, and its login attempts would be counted separately. So IPv4 in IPv6 (`::ffff:192.0.2.1`) becomes IPv4, and the port
and the brackets of a proxy or a log are removed.
"""

import ipaddress
import re
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_BRACKETS = re.compile(r"\[([^\[\]]*)\](?::[0-9]{1,5})?")
_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}")
_ZONE = re.compile(r"%[^\]]*")


# A page asks for the same few addresses a dozen times, and parsing one takes longer than looking it up.
_remembered = lru_cache(maxsize=4096)


@_remembered
def address(text: str) -> str:
    """Return an address in its one spelling. Raises ValueError for any other text, and for an address with a zone
    (`fe80::1%eth0`), which has a meaning on one machine only.
    """
    found = _bare(text)
    return str(getattr(found, "ipv4_mapped", None) or found)


def peer(host: str, port: str = "") -> str | None:
    """Return the address of a request's peer, as the server reports it; None if that is not an address.

    waitress takes the end of a forwarded `::ffff:192.0.2.1` for the port: a port that is not a number belongs to the address.
    The zone of a link-local peer is removed.
    """
    if port and not port.isdecimal():
        host = f"{host}:{port}"
    try:
        return address(_ZONE.sub("", host))
    except ValueError:
        return None


def network(text: str, *, strict: bool = False) -> Network:
    """Return a block in CIDR notation, or an address as a block of one. Raises ValueError for any other text, and with
    `strict` also for an address within a block (`192.0.2.1/24`).
    """
    host, slash, length = text.partition("/")
    if not slash:
        return ipaddress.ip_network(address(host))
    found = _bare(host)
    mapped = getattr(found, "ipv4_mapped", None)
    if mapped and length.isascii() and length.isdecimal() and int(length) >= 96:
        return ipaddress.ip_network(f"{mapped}/{int(length) - 96}", strict=strict)
    return ipaddress.ip_network(f"{found}/{length}", strict=strict)


def _bare(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    text = text.strip()
    wrapped = _BRACKETS.fullmatch(text) or _PORT.fullmatch(text)
    found = ipaddress.ip_address(wrapped[1] if wrapped else text)
    if getattr(found, "scope_id", None):
        raise ValueError("an address without a zone")
    return found


def other_network(one: str | None, other: str | None) -> bool:
    """Return whether two addresses are of different networks (`household`). A machine that has addresses of both families uses
    now one, now the other, so IPv4 and IPv6 are not compared with each other; nor is an unknown address.
    """
    if one is None or other is None or (":" in one) != (":" in other):
        return False
    return household(one) != household(other)


@_remembered
def household(text: str | None) -> str | None:
    """Return the network of an address, as coarse as a household or a company: /24 of IPv4, /48 of IPv6; None for None."""
    if text is None:
        return None
    length = 24 if ipaddress.ip_address(text).version == 4 else 48
    return str(ipaddress.ip_network(f"{text}/{length}", strict=False))
