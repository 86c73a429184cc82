"""The checks of `shopforum check` that need nothing but the settings."""

import ipaddress
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from shopforum import configuration
from shopforum.configuration import Configuration
from shopforum.core.databases import PARTS
from shopforum.core.ini_files import section
from shopforum.core.settings import find, variable
from shopforum.core.sites import DEMO, SITES
from shopforum.idp import breaker
from shopforum.mail import outgoing
from shopforum.sessions.config import Config as SessionsConfig

from .checks import Check

# Keys that are secret only where the address has a password.
_ADDRESSES = {"database.url", *PARTS.values()}
# A secret with fewer different characters is no random one.
_FEWEST_CHARACTERS = 10


def checks(ini: str, sites: list[Configuration]) -> Iterator[Check]:
    """Check secrets, addresses and applications."""
    yield from _development(sites[0])
    yield from _secrets(sites)
    yield from _file(ini)
    yield from _cookies(sites[0])
    yield from _plain_text(sites[0])
    yield from _applications(sites)
    yield from _leases(sites)


def _development(site: Configuration) -> Iterator[Check]:
    """Check that development's exceptions are used on this machine alone."""
    if site.site.development and not all(is_local(url) for url in site.site.urls.values()):
        yield Check(
            "development",
            problem="shopforum.development is true: http and demo secrets are allowed",
            fix="set shopforum.development = false",
        )


def _secrets(sites: list[Configuration]) -> Iterator[Check]:
    """Check that no secret is the demo's or can be guessed: a reader of development.ini could sign in as any user."""
    values = {"idp.api_key": sites[0].idp.api_key}
    values |= {f"idp.{each.site.name}.client_secret": each.idp.client_secret for each in sites}
    keys = [("shopforum.secret", key) for key in sites[0].settings.secret.split()]
    good = True
    for name, value in [*keys, *values.items()]:
        problem = ""
        if value.startswith(DEMO):
            problem = "is the demo secret"
        elif value and len(set(value)) < _FEWEST_CHARACTERS:
            problem = f"can be guessed: it has only {len(set(value))} different characters"
        if problem:
            good = False
            yield Check(name, problem=problem, fix=f"set {variable(name)} to a random secret of your own")
    if good:
        yield Check("secrets", fine="none is a demo secret")


def _leases(sites: list[Configuration]) -> Iterator[Check]:
    """Check that a request is done with FusionAuth before its lease ends: otherwise a second one refreshes the same token."""
    for site in sites:
        lease = find(SessionsConfig, "sessions.lease").read(site.raw)
        longest = breaker.PATIENCE + site.idp.connect_timeout + site.idp.read_timeout
        if longest >= lease:
            yield Check(
                f"{site.site.name} lease",
                problem=f"a call to FusionAuth may take {longest:g} s, longer than sessions.lease ({lease:g} s): two requests may "
                "then refresh one session",
                fix=f"lower idp.read_timeout, or set sessions.lease = {longest + 1:g} and sessions.refresh_wait to more",
            )


def _file(ini: str) -> Iterator[Check]:
    """Check that an ini file with secrets in it is not readable by every user of the machine."""
    secret = {one.key for group in configuration.groups().values() for one in group if one.secret}
    secret -= {key for key in _ADDRESSES if not urlsplit(section(ini, SITES[0]).get(key, "")).password}
    found = sorted(
        {key for site in SITES for key, value in section(ini, site).items() if key in secret and value}
    )
    if found and Path(ini).stat().st_mode & stat.S_IROTH:
        yield Check(
            "ini file",
            problem=f"every user of this machine can read {', '.join(found)} in {ini}",
            fix=f"chmod o-r {ini}, or set {variable(found[0])} in the environment",
        )


def _cookies(settings: Configuration) -> Iterator[Check]:
    """Check the sites' URLs: browsers keep __Host- cookies over https, and over plain http only on localhost."""
    for name, url in settings.site.urls.items():
        parts = urlsplit(url)
        local = (parts.hostname or "").endswith(".localhost")
        if parts.scheme == "https" or local:
            yield Check(f"{name} cookies", fine=f"browsers keep them at {url}")
        else:
            yield Check(
                f"{name} cookies",
                problem=f"browsers drop Secure cookies at {url}",
                fix=f"serve it over https and change shopforum.{name}_url",
            )


def _plain_text(site: Configuration) -> Iterator[Check]:
    """Check that passwords do not go over a network in plain text."""
    if site.idp.url.startswith("http://") and not is_local(site.idp.url):
        yield Check(
            "idp.url",
            problem="the users' passwords and the API key go to FusionAuth in plain text",
            fix="let FusionAuth answer https, and change idp.url",
        )
    letters = outgoing.parse(site.raw)
    if letters.host and letters.password and letters.tls == "none" and not is_local(f"//{letters.host}"):
        yield Check(
            "mail.tls",
            problem=f"the password goes to {letters.host} in plain text",
            fix="set mail.tls = starttls, or tls",
        )


def _applications(sites: list[Configuration]) -> Iterator[Check]:
    """Check that each site has an application of its own: with one for two sites, a login at one would do for the other."""
    ids = Counter(each.idp.application_id.lower() for each in sites)
    shared = [each.site.name for each in sites if ids[each.idp.application_id.lower()] > 1]
    if shared:
        yield Check(
            "applications",
            problem=f"{' and '.join(shared)} share one application of FusionAuth",
            fix=f"make one for each, and set idp.{shared[-1]}.application_id",
        )


def is_local(url: str) -> bool:
    """Return whether a URL leads to this machine by its host."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
