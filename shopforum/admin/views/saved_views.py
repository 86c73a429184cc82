"""`/views`: save a view of the list of sessions under a name, rename it, delete it. Each admin has views of their own."""

from typing import Any
from uuid import UUID

from pyramid.httpexceptions import HTTPBadRequest, HTTPNotFound
from pyramid.response import Response
from wtforms import Form
from wtforms.validators import ValidationError

from ...operations import saved_views
from ...operations.filters import FilterError
from ...operations.saved_views import NotSaved
from ...web import notes
from ...web.contributions import Notice
from ...web.request import Request
from ...web.site_config import SiteConfigurator
from .. import list_view
from ..form_fields import TextField
from ..list_view import ListView

_PAGE = "shopforum:admin/templates/saved_views.jinja2"
# Characters of a name: it is a tab over the list.
_LONGEST = 30


class ViewForm(Form):
    """The name of a view."""

    name = TextField("Name", _LONGEST)

    def validate_name(self, field: Any) -> None:
        """Check that there is a name."""
        if not field.data:
            raise ValidationError("Name: say what you call it.")


def includeme(config: SiteConfigurator) -> None:
    """Register the views and their notices."""
    config.add_notices(
        {
            "view_saved": Notice("success", "The view is saved. It has a tab over the list."),
            "view_renamed": Notice("success", "The view has its new name."),
            "view_deleted": Notice("success", "The view is deleted. No session was touched."),
        }
    )
    config.add_view(show, route_name="admin_views", request_method="GET", renderer=_PAGE)
    config.add_view(save, route_name="admin_views", request_method="POST", renderer=_PAGE)
    config.add_view(rename, route_name="admin_view", request_method="POST", renderer=_PAGE)
    config.add_view(delete, route_name="admin_view_delete", request_method="POST")


def show(request: Request) -> dict[str, Any]:
    """List the admin's views, and show the form that saves the view of the URL."""
    given = request.typed or request.GET
    return _page(request, ViewForm(request.typed), saving=_view(given.get("query")))


def save(request: Request) -> Any:
    """Save a view and show its list."""
    form, view = ViewForm(request.POST), _view(request.POST.get("query", ""))
    if view is None:
        raise HTTPBadRequest("Open the list of sessions, and save its view from there.")
    if form.validate():
        try:
            saved_views.save(request.db, request.me.user_id, form.name.data, view.query())
            return notes.see_other(request, f"{view.url(notice='view_saved')}")
        except NotSaved as error:
            form.name.errors = [str(error)]
    request.response.status_int = 422
    return _page(request, form, saving=view)


def rename(request: Request) -> Any:
    """Give a view another name."""
    form, view_id = ViewForm(request.POST), request.matched_id
    if form.validate():
        try:
            if not saved_views.rename(request.db, request.me.user_id, view_id, form.name.data):
                raise HTTPNotFound
            return notes.see_other(request, "/views?notice=view_renamed")
        except NotSaved as error:
            form.name.errors = [str(error)]
    request.response.status_int = 422
    return _page(request, form, renaming=view_id)


def delete(request: Request) -> Response:
    """Delete a view."""
    if not saved_views.delete(request.db, request.me.user_id, request.matched_id):
        raise HTTPNotFound
    return notes.see_other(request, "/views?notice=view_deleted")


def _view(query: str | None) -> ListView | None:
    """Return the view of a query string. None without one, and for one that no list has made."""
    try:
        return None if query is None else list_view.parse(query)
    except FilterError:
        return None


def _page(
    request: Request, form: ViewForm, saving: ListView | None = None, renaming: UUID | None = None
) -> dict[str, Any]:
    views = saved_views.of_user(request.db, request.me.user_id)
    return {
        "form": form,
        "unnamed": ViewForm(),
        "saving": saving,
        "renaming": renaming,
        "views": [(view, _view(view.query)) for view in views],
    }
