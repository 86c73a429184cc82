"""The webhooks' and the mail's part of `shopforum check`."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shopforum.account import mail
from shopforum.configuration import Configuration
from shopforum.core.engine import create_unpooled_engine
from shopforum.webhooks import settings as webhook_settings
from shopforum.webhooks.keys import KeySet, KeysUnavailable

from .checks import Finding

_BEHIND = text(
    """SELECT name, last_error, (SELECT seq FROM audit_head) - seq AS behind FROM webhook_endpoints
    WHERE name = ANY (:names) AND attempts > 0"""
)


def findings(site: Configuration) -> Iterator[Finding]:
    """Whether FusionAuth is listened to, who is told, and whether mail can go out."""
    webhooks, letters = webhook_settings.parse(site.raw), mail.parse(site.raw)
    yield _inbound(webhooks, site)
    yield from _outbound(webhooks, site.settings.database_url)
    fine = f"through {letters.host or letters.folder}" if letters.on else "off: nobody is told of new devices"
    yield Finding("mail", fine=fine)


def _inbound(webhooks: webhook_settings.WebhookSettings, site: Configuration) -> Finding:
    about = "webhooks from FusionAuth"
    if webhooks.algorithm is None:
        return Finding(about, fine="off: what is revoked there is felt here at the next refresh")
    address = f"{webhooks.algorithm} at {site.site.urls['admin']}/webhooks/fusionauth"
    keys = KeySet(site.idp.url, site.idp.tenant_id, webhooks.algorithm, webhooks.secret)
    try:
        known = keys.count()
    except KeysUnavailable as error:
        return Finding(
            about, problem=str(error), mend="let FusionAuth publish its keys, or use an HS algorithm"
        )
    if not known:
        mend = f"make a key for {webhooks.algorithm} in FusionAuth, or change webhooks.fusionauth"
        return Finding(about, problem=f"FusionAuth publishes no key for {webhooks.algorithm}", mend=mend)
    return Finding(about, fine=address)


def _outbound(webhooks: webhook_settings.WebhookSettings, url: str) -> Iterator[Finding]:
    names = [endpoint.name for endpoint in webhooks.endpoints]
    try:
        with create_unpooled_engine(url).connect() as connection:
            failing = {row.name: row for row in connection.execute(_BEHIND, {"names": names})}
    except SQLAlchemyError:
        # Said already by the database's own checks.
        return
    for name in names:
        if name in failing:
            row = failing[name]
            problem = f"{row.last_error}; {row.behind} events behind"
            yield Finding(f"webhook to {name}", problem=problem, mend=f"look at webhooks.{name}.url")
        else:
            yield Finding(f"webhook to {name}", fine="nothing has failed")
