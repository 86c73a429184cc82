"""`/webhooks`: the endpoints that receive the audit log, how far each has come, and redelivery."""

from typing import Any
from urllib.parse import urlsplit

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther, HTTPUnprocessableEntity

from ...core.permissions import REDELIVER
from ...sessions import client_of
from ...sessions.audit import Event
from ...sessions.vocabulary import EventName, InitiatingEntity
from ...web import notes
from ...web.contributions import Notice
from ...web.numbers import bigint
from ...web.request import Request
from ...web.site_config import SiteConfigurator
from ...webhooks import deliveries
from ...webhooks.settings import WebhookSettings
from ..forms import actor


def includeme(config: SiteConfigurator) -> None:
    """Register the views and their notice."""
    config.add_notices(
        {
            "redelivering": Notice("success", "The worker sends the webhooks again, from that message on."),
        }
    )
    config.add_view(
        show,
        route_name="admin_webhooks",
        request_method="GET",
        renderer="shopforum:admin/templates/webhooks.jinja2",
    )
    config.add_view(redeliver, route_name="admin_redeliver", request_method="POST", permission=REDELIVER)


def show(request: Request) -> dict[str, Any]:
    """Show each endpoint with its latest messages. Only the host of its URL is shown: the rest may be a secret."""
    endpoints = [
        {
            "name": endpoint.name,
            "host": urlsplit(endpoint.url).hostname,
            "progress": deliveries.position(request.read_db, endpoint),
            "messages": deliveries.latest(request.read_db, endpoint),
        }
        for endpoint in request.services.get(WebhookSettings).endpoints
    ]
    return {"endpoints": endpoints, "may_redeliver": bool(request.has_permission(REDELIVER))}


def redeliver(request: Request) -> HTTPSeeOther:
    """Send webhooks to an endpoint again, from a message on."""
    name, seq = request.matchdict["name"], bigint(request.POST.get("seq", ""))
    endpoint = next((e for e in request.services.get(WebhookSettings).endpoints if e.name == name), None)
    if endpoint is None:
        raise HTTPNotFound
    event = Event(
        EventName.WEBHOOK_REDELIVERED,
        request.site.name,
        client_of(request),
        initiating_entity=InitiatingEntity.ADMIN,
        actor=actor(request.me),
        detail={"endpoint": name, "seq": seq},
    )
    if not seq or not deliveries.redeliver(request.db, endpoint, seq, event):
        raise HTTPUnprocessableEntity("That message was never due for this endpoint.")
    return notes.see_other(request, "/webhooks?notice=redelivering")
