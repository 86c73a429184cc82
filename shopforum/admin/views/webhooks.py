"""`/webhooks`: who is told of the audit log, how far each has come, and telling one again."""

from typing import Any
from urllib.parse import urlsplit

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther, HTTPUnprocessableEntity

from ...core.permissions import REDELIVER
from ...sessions import client_of
from ...sessions.audit import Event
from ...web import notes
from ...web.contributions import Notice
from ...web.numbers import bigint
from ...web.request import Request
from ...web.site_config import SiteConfigurator
from ...webhooks import deliveries
from ...webhooks.settings import WebhookSettings
from ..forms import actor


def includeme(config: SiteConfigurator) -> None:
    """The views and their notice."""
    config.add_notices(
        {
            "redelivering": Notice(
                "success", "It is told again, from that message on, as soon as the worker comes to it."
            ),
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
    """Each endpoint with its latest messages. Of its address only the host is shown: the rest may be a secret."""
    told = [
        {
            "name": endpoint.name,
            "host": urlsplit(endpoint.url).hostname,
            "far": deliveries.how_far(request.read_db, endpoint),
            "messages": deliveries.latest(request.read_db, endpoint),
        }
        for endpoint in request.services.get(WebhookSettings).endpoints
    ]
    return {"told": told, "may_redeliver": bool(request.has_permission(REDELIVER))}


def redeliver(request: Request) -> HTTPSeeOther:
    """Tell an endpoint again, from a message on."""
    name, seq = request.matchdict["name"], bigint(request.POST.get("seq", ""))
    endpoint = next((e for e in request.services.get(WebhookSettings).endpoints if e.name == name), None)
    if endpoint is None:
        raise HTTPNotFound
    event = Event(
        "webhook_redelivered",
        request.site.name,
        client_of(request),
        initiating_entity="admin",
        actor=actor(request.me),
        detail={"endpoint": name, "seq": seq},
    )
    if not seq or not deliveries.again(request.db, endpoint, seq, event):
        raise HTTPUnprocessableEntity("It was never to be told of that message.")
    return notes.see_other(request, "/webhooks?notice=redelivering")
