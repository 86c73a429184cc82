"""`/explain`: why a request was served or refused, by a pasted id, or by an address and a time."""

from typing import Any

from pyramid.config import Configurator
from wtforms import Form

from ...operations import explain
from ...operations.filters import read_instant
from ...web.request import Request
from ..form_fields import NetworkField, ReadField, TextField


class _InstantField(ReadField):
    """An instant in UTC; `data` is one, or empty."""

    read = staticmethod(read_instant)


class ExplainForm(Form):
    """The thing to explain: an id of any kind, or an address and a time."""

    id = TextField(
        "Id",
        description="A session's id or its beginning, the request id of a log line or an error page, a user's id or whole e-mail "
        "address",
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )
    ip = NetworkField("or address", 64, description="Address or CIDR block, with a time")
    at = _InstantField("at (UTC)", 40, render_kw={"type": "datetime-local"})

    @property
    def by_place(self) -> bool:
        """Return whether an address or a time was given."""
        return bool(self.ip.data or self.at.data)


def includeme(config: Configurator) -> None:
    """Register the view."""
    config.add_view(
        show,
        route_name="admin_explain",
        request_method="GET",
        renderer="shopforum:admin/templates/explain.jinja2",
    )


def show(request: Request) -> dict[str, Any]:
    """Show the form, and the decisions about what it names."""
    form = ExplainForm(request.GET)
    asked = bool(form.id.data or form.by_place)
    found = None
    if not form.validate():
        request.response.status_int = 422
    elif form.id.data:
        found = explain.find(request.read_db, form.id.data)
    elif form.ip.data and form.at.data:
        found = explain.of_place(request.read_db, form.ip.data, form.at.data)
    elif asked:
        missing = form.at if form.ip.data else form.ip
        missing.errors = ["Give an address and a time: both, or an id."]
        request.response.status_int = 422
    return {
        "form": form,
        "asked": asked and not form.errors,
        "found": found,
        "minutes": explain.MINUTES,
        "most": explain.MOST,
    }
