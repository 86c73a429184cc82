"""`/design`, in development alone: every component of the pages, with its states. docs/design.md says how they are used.

A change of a component is looked at here first, on each of the three sites, in light and dark, from 320 px.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from pyramid.config import Configurator
from pyramid.security import NO_PERMISSION_REQUIRED
from wtforms import BooleanField, Form, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Optional

from . import services
from .request import Request

KINDS = ("neutral", "info", "success", "warning", "danger", "accent")
BUTTONS = ("primary", "secondary", "danger", "quiet")
NOTICES = ("info", "success", "warning", "error")


class _Example(Form):
    """A field of each kind."""

    name = StringField("Name", [DataRequired("Enter a name.")], description="As it stands on the parcel.")
    note = StringField("Note", [Optional()])
    text = TextAreaField("Text", [DataRequired("Write something first.")], render_kw={"rows": "3"})
    country = SelectField("Country", choices={"DE": "Germany", "FR": "France"})
    choice = RadioField(
        "Delivery", [DataRequired("Choose a delivery.")], choices={"day": "By day", "night": "By night"}
    )
    agreed = BooleanField("Send me a letter")


def includeme(config: Configurator) -> None:
    """Add the page, if the site is in development."""
    if services.of(config.registry).site.development:
        config.add_route("design", "/design")
        config.add_view(
            show,
            route_name="design",
            request_method="GET",
            renderer="design.jinja2",
            permission=NO_PERMISSION_REQUIRED,
        )


def show(request: Request) -> dict[str, Any]:
    """Show the components. `wrong` is the form as it comes back with an error in each required field."""
    wrong = _Example()
    wrong.validate()
    return {
        "kinds": KINDS,
        "buttons": BUTTONS,
        "notices": NOTICES,
        "filled": _Example(name="Sam Shore", text="Two lines,\nas typed.", choice="day", agreed=True),
        "wrong": wrong,
        "instant": datetime.now(UTC) - timedelta(minutes=5),
    }
