"""The check of `shopforum check` on the proxies: it sends each site a request through its public address and looks at what came.

The request claims to come from an address of documentation (RFC 5737). A site that believes it would believe any visitor.
"""

import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

from shopforum.configuration import Configuration
from shopforum.core.causes import cause
from shopforum.sessions.keyring import Keyring
from shopforum.web import probe
from shopforum.web.probe import Answer, Received

from .checks import Check

# Seconds for each step of the request.
_TIMEOUT = 3.0
_CLAIMED = "192.0.2.77"
_POLICY = "same-origin"
_FORWARD = "let the proxy set X-Forwarded-For to the address of the client (nginx: $remote_addr)"


def checks(site: Configuration) -> Iterator[Check]:
    """Check each site's public address. An address that cannot be reached from this machine is no failure: others may
    reach it.
    """
    keyring = Keyring(site.settings.secret.split())
    for name, url in site.site.urls.items():
        about = f"{name} through its address"
        try:
            answer = probe.ask(
                url, keyring, headers={"Origin": url, "X-Forwarded-For": _CLAIMED}, timeout=_TIMEOUT
            )
        except (OSError, http.client.HTTPException) as error:
            yield Check(about, fine=f"not looked at: {url} cannot be reached from here ({cause(error)})")
            continue
        yield from judge(about, name, url, answer)


def judge(about: str, name: str, url: str, answer: Answer) -> Iterator[Check]:
    """Yield the faults of a response from a site's public address, or one line that all came as expected."""
    found = answer.received
    if found is None:
        yield Check(
            about,
            problem=f"{url} answers {answer.status}, and not as this deployment does",
            fix="let the proxy forward all paths of this Host to a web process that has the same shopforum.secret, then run this again",
        )
        return
    wrong = [*_wrong(name, url, answer, found)]
    for problem, fix in wrong:
        yield Check(about, problem=problem, fix=fix)
    if not wrong:
        yield Check(
            about,
            fine=f"{found.scheme}, Host {found.host}, client {found.address}; Origin and Referrer-Policy as they were sent",
        )


def _wrong(name: str, url: str, answer: Answer, found: Received) -> Iterator[tuple[str, str]]:
    expected = urlsplit(url)
    if found.host.lower() != expected.netloc:
        yield (
            f"the Host came as {found.host!r}: the site refuses it",
            "let the proxy forward the Host unchanged (nginx: proxy_set_header Host $http_host)",
        )
    elif found.site != name:
        yield (
            f"the site {found.site} answers",
            f"let the proxy forward {expected.netloc} to the process of {name}",
        )
    if found.scheme != expected.scheme:
        yield (f"{expected.scheme} came as {found.scheme}, so every form is refused", _cure_of_scheme(found))
    elif expected.scheme == "https" and found.address == _CLAIMED:
        yield (
            "the site believes an address that the client has written itself",
            f"{_FORWARD}, or set trusted_proxy_count in [server:main] to the number of your proxies",
        )
    elif expected.scheme == "https" and not found.forwarded_for:
        yield (
            f"the address of the client does not come: all clients are {found.peer}",
            _FORWARD,
        )
    if found.origin != url:
        came = "does not come" if found.origin is None else f"came as {found.origin!r}"
        yield (f"the Origin {came}, by which forms are checked", "let the proxy forward Origin unchanged")
    if answer.referrer_policy != _POLICY:
        yield (
            f"the Referrer-Policy arrives as {answer.referrer_policy!r}: older browsers then send forms without their Origin",
            f"remove Referrer-Policy from the proxy's configuration: the sites send {_POLICY}",
        )


def _cure_of_scheme(found: Received) -> str:
    if not found.trusted:
        return f"add {found.peer} to trusted_proxy in [server:main] if it is your proxy, and let the proxy set X-Forwarded-Proto"
    if found.forwarded_proto is None:
        return "let the proxy set X-Forwarded-Proto to https (nginx: $scheme)"
    return (
        f"the proxy set X-Forwarded-Proto to {found.forwarded_proto[:100]!r}: of several proxies, let each forward or add its "
        "own, and set trusted_proxy_count in [server:main] to their number"
    )
