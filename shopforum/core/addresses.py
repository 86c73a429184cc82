"""One reading of IP addresses, for every door they come in by: the peer, a proxy's header, filters, rules, the API and
the command line.

An address that is written in two ways and stored in both would be two clients: a filter would miss one of them, a rule
would be got around by it, and its tries to log in would be counted apart. So IPv4 in IPv6 (`::ffff:192.0.2.1`) is IPv4,
and a port and brackets, as a proxy or a log has them, are left out.
"""

import ipaddress
import re

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_BRACKETS = re.compile(r"\[([^\[\]]*)\](?::[0-9]{1,5})?")
_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}")
_ZONE = re.compile(r"%[^\]]*")


def address(text: str) -> str:
    """An address in its one spelling. Raises ValueError for anything else, and for one with a zone (`fe80::1%eth0`), which
    means something on one machine alone.
    """
    found = _bare(text)
    return str(getattr(found, "ipv4_mapped", None) or found)


def peer(host: str, port: str = "") -> str | None:
    """The address of whoever sent a request, by what the server says; None where that is no address.

    waitress takes the end of an address that a proxy forwarded as `::ffff:192.0.2.1` for its port: what is no number
    belongs to the address. The zone of a link-local peer is left out.
    """
    if port and not port.isdecimal():
        host = f"{host}:{port}"
    try:
        return address(_ZONE.sub("", host))
    except ValueError:
        return None


def network(text: str, *, strict: bool = False) -> Network:
    """A block in CIDR notation, or an address as a block of its own. Raises ValueError for anything else; where `strict`,
    also for an address within a block (`192.0.2.1/24`).
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


def household(text: str | None) -> str | None:
    """Return the network of an address, as coarse as a household or a company: /24 of IPv4, /48 of IPv6; None for None."""
    if text is None:
        return None
    length = 24 if ipaddress.ip_address(text).version == 4 else 48
    return str(ipaddress.ip_network(f"{text}/{length}", strict=False))
