"""POST `/sessions/select` and `/users/{id}/select`: another page of a list, with the form's ticks kept in its URL."""

from pyramid.httpexceptions import HTTPSeeOther, HTTPUnprocessableEntity

from ...core import paging
from ...core.permissions import REVOKE
from ...web.request import Request
from ...web.site_config import SiteConfigurator
from .. import forms, selection


def includeme(config: SiteConfigurator) -> None:
    """Register the view."""
    for route in ("admin_select", "admin_user_select"):
        config.add_view(select, route_name=route, request_method="POST", permission=REVOKE)


def select(request: Request) -> HTTPSeeOther:
    """Redirect to the page of the list that the button names."""
    ids = forms.target(request.POST).sessions if request.POST.getall("session") else ()
    if len(ids) > selection.MOST:
        raise HTTPUnprocessableEntity(
            f"At most {selection.MOST} sessions can stay ticked from page to page. Go back, where the ticks still are: end or "
            "quarantine these first, or filter the list and choose all that match."
        )
    return HTTPSeeOther(selection.of(request).url(request.GET.get(paging.FIELD), ids=ids))
