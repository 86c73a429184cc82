"""The webhook checks of `shopforum check`."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shopforum.configuration import Configuration
from shopforum.core.databases import SESSIONS
from shopforum.core.engine import create_unpooled_engine
from shopforum.webhooks import settings as webhook_settings
from shopforum.webhooks.keys import KeySet, KeysUnavailable

from .checks import Check

_BEHIND = text(
    """SELECT name, last_error, (SELECT seq FROM audit_head) - seq AS behind FROM webhook_endpoints
    WHERE name = ANY (:names) AND attempts > 0"""
)


def checks(site: Configuration) -> Iterator[Check]:
    """Check the webhooks from FusionAuth and those to other endpoints."""
    webhooks = webhook_settings.parse(site.raw)
    yield _inbound(webhooks, site)
    yield from _outbound(webhooks, site.settings.database_urls[SESSIONS])


def _inbound(webhooks: webhook_settings.WebhookSettings, site: Configuration) -> Check:
    about = "webhooks from FusionAuth"
    if webhooks.algorithm is None:
        return Check(about, fine="off: a revocation there takes effect here at the next refresh")
    address = f"{webhooks.algorithm} at {site.site.urls['admin']}/webhooks/fusionauth"
    keys = KeySet(site.idp.url, site.idp.tenant_id, webhooks.algorithm, webhooks.secret)
    try:
        known = keys.count()
    except KeysUnavailable as error:
        return Check(about, problem=str(error), fix="let FusionAuth publish its keys, or use an HS algorithm")
    if not known:
        fix = f"make a key for {webhooks.algorithm} in FusionAuth, or change webhooks.fusionauth"
        return Check(about, problem=f"FusionAuth publishes no key for {webhooks.algorithm}", fix=fix)
    return Check(about, fine=address)


def _outbound(webhooks: webhook_settings.WebhookSettings, url: str) -> Iterator[Check]:
    names = [endpoint.name for endpoint in webhooks.endpoints]
    try:
        with create_unpooled_engine(url).connect() as connection:
            failing = {row.name: row for row in connection.execute(_BEHIND, {"names": names})}
    except SQLAlchemyError:
        # The database checks have reported it.
        return
    for name in names:
        if name in failing:
            row = failing[name]
            problem = f"{row.last_error}; {row.behind} events behind"
            yield Check(f"webhook to {name}", problem=problem, fix=f"check webhooks.{name}.url")
        else:
            yield Check(f"webhook to {name}", fine="no delivery has failed")
