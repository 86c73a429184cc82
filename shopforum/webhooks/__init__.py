"""Webhooks: what FusionAuth tells us, and what we tell others.

In (`inbound.py`): whoever is revoked, locked or deleted at FusionAuth is signed out here at once. Out (`outbound.py`):
the worker hands the sealed audit log on to addresses of the operator's, in order. docs/webhooks.md has both.
"""

from ..web.site_config import SiteConfigurator
from . import settings
from .keys import KeySet


def includeme(config: SiteConfigurator) -> None:
    """The address that FusionAuth calls, on the console's host; none unless the settings turn it on."""
    parsed = settings.parse(config.registry.settings)
    config.add_service(parsed)
    if parsed.algorithm:
        idp = config.services.idp_settings
        config.add_service(KeySet(idp.url, idp.tenant_id, parsed.algorithm, parsed.secret))
        config.include(".inbound")
