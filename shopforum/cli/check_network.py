"""The checks of `shopforum check` on other servers: mail, the endpoints of webhooks, and certificates."""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from shopforum.configuration import Configuration
from shopforum.core.causes import cause
from shopforum.mail import outgoing
from shopforum.web import canary
from shopforum.webhooks import settings as webhook_settings

from .check_settings import is_local
from .checks import Check

# Seconds for each connection.
_TIMEOUT = 3
# A certificate that ends sooner should have been renewed: authorities renew those of 90 days when 30 are left.
_SOON = timedelta(days=14)


def checks(site: Configuration) -> Iterator[Check]:
    """Check that mail and webhooks can be sent from here, and that no certificate is about to expire."""
    yield from _mail(site)
    for endpoint in webhook_settings.parse(site.raw).endpoints:
        yield from _reachable(f"webhook to {endpoint.name}", endpoint.url, f"webhooks.{endpoint.name}.url")
    for node in canary.parse(site.raw).nodes:
        parts = urlsplit(node)
        yield from _reachable(f"canary node {parts.hostname}, port {parts.port}", node, "canary.nodes")
    for name, url in site.site.urls.items():
        yield from _site_certificate(name, url)
    if site.idp.url.startswith("https://"):
        yield from _reachable("FusionAuth's certificate", site.idp.url, "idp.url")


def _mail(site: Configuration) -> Iterator[Check]:
    letters = outgoing.parse(site.raw)
    if not letters.host:
        yield Check(
            "mail", fine=f"into {letters.folder}" if letters.folder else "off: nobody is warned by mail"
        )
        return
    about = f"{letters.host}:{letters.port}"
    try:
        with outgoing.connected(letters, _TIMEOUT, 3 * _TIMEOUT):
            pass
    except smtplib.SMTPAuthenticationError:
        yield Check(
            "mail", problem=f"{about} refuses the password", fix="set mail.user and SHOPFORUM_MAIL_PASSWORD"
        )
    except (OSError, smtplib.SMTPException) as error:
        yield Check(
            "mail",
            problem=f"{about}: {cause(error)}",
            fix="start the mail server, or change mail.host, mail.port and mail.tls",
        )
    else:
        yield Check("mail", fine=f"{about} takes mail")


def _reachable(about: str, url: str, key: str) -> Iterator[Check]:
    """Check that a server can be reached, and the life of its certificate where it has one."""
    try:
        ends = certificate_end(url)
    except ssl.SSLCertVerificationError as error:
        yield Check(
            about,
            problem=f"its certificate is not valid: {error.verify_message}",
            fix="renew it, or trust its authority on this machine",
        )
        return
    except (OSError, ValueError) as error:
        yield Check(
            about, problem=f"cannot be reached: {cause(error)}", fix=f"start the server, or change {key}"
        )
        return
    if ends:
        yield _life(about, ends)


def _site_certificate(name: str, url: str) -> Iterator[Check]:
    """Check the certificate of a site. A site that cannot be reached from here may be reached from elsewhere, and is not
    wrong.
    """
    about = f"{name} certificate"
    if not url.startswith("https://") or is_local(url):
        return
    try:
        ends = certificate_end(url)
    except ssl.SSLCertVerificationError as error:
        yield Check(about, problem=f"is not valid: {error.verify_message}", fix="renew it at the proxy")
    except OSError:
        yield Check(about, fine=f"not looked at: {url} cannot be reached from here")
    else:
        if ends:
            yield _life(about, ends)


def _life(about: str, ends: datetime) -> Check:
    left = ends - datetime.now(UTC)
    if left < _SOON:
        return Check(about, problem=f"expires on {ends:%Y-%m-%d}, in {left.days} days", fix="renew it")
    return Check(about, fine=f"valid until {ends:%Y-%m-%d}")


def certificate_end(url: str, context: ssl.SSLContext | None = None) -> datetime | None:
    """Connect to the server of a URL; return when its certificate expires, None for plain http. Raises OSError."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    host = parts.hostname or ""
    with socket.create_connection((host, parts.port or (443 if secure else 80)), _TIMEOUT) as plain:
        if not secure:
            return None
        with (context or ssl.create_default_context()).wrap_socket(plain, server_hostname=host) as wrapped:
            found = wrapped.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found["notAfter"])), UTC)
