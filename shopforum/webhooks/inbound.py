"""`POST /webhooks/fusionauth`, on the console's host.

The address is open to the network, so everything about it is bounded: the size of a body, and the audit rows about
refusals. It reads and sets no cookie. The signature authenticates the sender and no browser can make one, so no CSRF token
is required.
"""

import structlog
from pyramid.config import Configurator
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from ..idp import same_id
from ..sessions import client_of
from ..web.request import Request
from . import apply_event, event_mapping
from .apply_event import RefusedError
from .keys import KeySet, KeysUnavailable
from .settings import WebhookSettings

log = structlog.get_logger("shopforum")

LARGEST = 256 * 1024
_HEADER = "X-FusionAuth-Signature-JWT"

# Only bodies that FusionAuth never sends are refused. FusionAuth counts every response but a 2xx as a failure, and may then
# undo the act that the event is about. So late events, duplicates and events of other tenants get 204.
_REFUSALS = {
    "oversized": (413, "The event is larger than 256 KiB."),
    "forged": (403, "The signature is missing or not FusionAuth's."),
    "garbled": (400, "The event cannot be read."),
}


def includeme(config: Configurator) -> None:
    """Add the route and its view."""
    config.add_route("fusionauth_webhook", "/webhooks/fusionauth")
    config.add_view(
        receive,
        route_name="fusionauth_webhook",
        request_method="POST",
        permission=NO_PERMISSION_REQUIRED,
        require_csrf=False,
    )


def receive(request: Request) -> Response:
    """Apply an event. 204, also for a duplicate and for an event that concerns another application or tenant.

    FusionAuth is asked for nothing but, at times, its public keys.
    """
    try:
        _receive(request)
    except RefusedError as refusal:
        apply_event.refuse(request.db, refusal.why, client_of(request), request.site.name)
        return _problem(*_REFUSALS[refusal.why])
    except KeysUnavailable as error:
        log.warning("webhook keys unavailable", why=str(error))
        response = _problem(503, "The keys for the signature are not available at the moment.")
        response.headers["Retry-After"] = "5"
        return response
    return Response(status=204, content_type=None)


def _receive(request: Request) -> None:
    if (request.content_length or 0) > LARGEST or len(request.body) > LARGEST:
        raise RefusedError("oversized")
    keys = request.services.get(KeySet)
    if not keys.signed(request.headers.get(_HEADER, ""), request.body):
        raise RefusedError("forged")
    idp = request.services.idp_settings
    try:
        event = event_mapping.frame(request.body)
        tenant = event.body.get("tenantId")
        # A sample that an admin sends to try the webhook may name any tenant.
        foreign = idp.tenant_id and tenant is not None and not same_id(tenant, idp.tenant_id)
        if foreign and event.type != event_mapping.TEST:
            return
        effects = event_mapping.effects(event, idp.applications)
    except event_mapping.GarbledError:
        raise RefusedError("garbled") from None
    if effects:
        late_after = request.services.get(WebhookSettings).max_age
        secrets = request.sessions.config.secrets
        apply_event.apply(request.db, event, effects, client_of(request), secrets, late_after)


def _problem(status: int, detail: str) -> Response:
    body = {"title": detail, "status": status}
    return Response(json_body=body, status=status, content_type="application/problem+json")
