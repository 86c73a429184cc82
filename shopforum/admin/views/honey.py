"""`/honey`: plant honey tokens, and see which were presented and from where."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from wtforms import Form
from wtforms.validators import ValidationError

from ...core.ids import parse_uuid
from ...core.permissions import REVOKE_ALL
from ...operations import honey as queries
from ...sessions import client_of, honey
from ...web import notes
from ...web.contributions import Notice
from ...web.request import Request
from ...web.site_config import SiteConfigurator
from ..form_fields import TextField
from ..forms import actor
from ..lists import page
from .confirming import may_revoke_all

_PAGE = "shopforum:admin/templates/honey.jinja2"


class HoneyForm(Form):
    """The place where a honey token is planted."""

    place = TextField(
        "Place",
        queries.LONGEST,
        description="Name it so that you know what leaked: nightly backup on host b2",
    )

    def validate_place(self, field: Any) -> None:
        """Check that there is a place."""
        if not field.data:
            raise ValidationError("Place: say where you plant it.")


def includeme(config: SiteConfigurator) -> None:
    """Register the views and their notices."""
    config.add_notices(
        {
            "honey_retired": Notice("success", "The honey token is retired: it is not noticed any more."),
            "honey_over": Notice("info", "It was retired before. Nothing was changed."),
        }
    )
    config.add_view(show, route_name="admin_honey", request_method="GET", renderer=_PAGE)
    config.add_view(
        plant, route_name="admin_honey", request_method="POST", renderer=_PAGE, permission=REVOKE_ALL
    )
    config.add_view(retire, route_name="admin_honey_retire", request_method="POST", permission=REVOKE_ALL)


def show(request: Request) -> dict[str, Any]:
    """List the honey tokens, and show the form for a new one."""
    return _page(request, HoneyForm(request.typed))


def plant(request: Request) -> dict[str, Any]:
    """Make a honey token and show it. There is no redirect: nothing keeps the secret until another request."""
    form, made = HoneyForm(request.POST), ""
    if form.validate():
        keys, who = request.sessions.config.secrets, actor(request.me)
        _, made = honey.plant(request.db, keys, form.place.data, who, client_of(request))
        form = HoneyForm()
    else:
        request.response.status_int = 422
    return _page(request, form, made)


def retire(request: Request) -> Response:
    """Retire a honey token. A retired one stays as it is."""
    honey_id = parse_uuid(request.matchdict["id"])
    if honey_id is None or not queries.HONEY.where(honey_id == queries.HONEY_ID).first(request.read_db, 1):
        raise HTTPNotFound
    done = honey.retire(request.db, honey_id, actor(request.me), client_of(request))
    return notes.see_other(request, f"/honey?notice={'honey_retired' if done else 'honey_over'}")


def _page(request: Request, form: HoneyForm, made: str = "") -> dict[str, Any]:
    return {
        "form": form,
        "made": made,
        "page": page(request, queries.HONEY, size=30),
        "may_plant": may_revoke_all(request),
    }
