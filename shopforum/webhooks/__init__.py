"""Webhooks: what FusionAuth tells us, and what we tell others.

In (`inbound.py`): whoever is revoked, locked or deleted at FusionAuth is signed out here at once. Out (`outbound.py`):
the worker hands the sealed audit log on to addresses of the operator's, in order. docs/webhooks.md has both.
"""

from pyramid.config import Configurator

from . import settings
from .keys import KeySet


def includeme(config: Configurator) -> None:
    """The address that FusionAuth calls, on the console's host; none unless the settings turn it on."""
    parsed = settings.parse(config.registry.settings)
    config.registry.webhooks = parsed
    if parsed.algorithm:
        idp = config.registry.parsed_settings.idp
        config.registry.webhook_keys = KeySet(idp.url, idp.tenant_id, parsed.algorithm, parsed.secret)
        config.include(".inbound")
