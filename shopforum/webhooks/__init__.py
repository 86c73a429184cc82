"""Webhooks: events from FusionAuth, and events to others.

In (`inbound.py`): a user who is revoked, locked or deleted at FusionAuth is signed out here at once. Out (`outbound.py`):
the worker sends the sealed audit log to the operator's endpoints, in order. docs/webhooks.md describes both.
"""

from ..web.site_config import SiteConfigurator
from . import settings
from .keys import KeySet


def includeme(config: SiteConfigurator) -> None:
    """Add the address that FusionAuth calls, on the console's host, if the settings turn it on."""
    parsed = settings.parse(config.registry.settings)
    config.add_service(parsed)
    if parsed.algorithm:
        idp = config.services.idp_settings
        config.add_service(KeySet(idp.url, idp.tenant_id, parsed.algorithm, parsed.secret))
        config.include(".inbound")
