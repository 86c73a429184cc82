"""`/authenticator`: set up and remove the admin's authenticator, whose codes stand in for the password while FusionAuth is away.

Every act here takes the password of the last minutes, and no code in its stead: a code must not replace the app that made it.
"""

from collections.abc import Callable
from typing import Any

from pyramid.response import Response

from ...core.permissions import READ
from ...operations import break_glass
from ...sessions import FreshLoginRequired, client_of
from ...web import notes
from ...web.contributions import Notice
from ...web.request import Request
from ...web.site_config import SiteConfigurator
from ..authenticator_forms import CodeForm
from .confirming import FRESH

_PAGE = "shopforum:admin/templates/authenticator.jinja2"


def includeme(config: SiteConfigurator) -> None:
    """Register the views and notices."""
    config.add_notices(
        {
            "authenticator_set_up": Notice(
                "success",
                "The authenticator is set up. While FusionAuth is away, its codes stand in for your password.",
            ),
            "authenticator_removed": Notice(
                "success", "The authenticator is removed. Its codes are refused."
            ),
        }
    )
    for view, name, method in (
        (show, "admin_authenticator", "GET"),
        (set_up, "admin_authenticator", "POST"),
        (confirm, "admin_authenticator_confirm", "POST"),
        (remove, "admin_authenticator_remove", "POST"),
    ):
        config.add_view(
            _with_password(view),
            route_name=name,
            request_method=method,
            renderer=_PAGE,
            permission=READ,
        )


def _with_password(view: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """Require the password itself: the view option `fresh_login` also accepts a code."""

    def wrapped(request: Request) -> Any:
        if request.me.authenticated_ago > FRESH:
            raise FreshLoginRequired
        return view(request)

    return wrapped


def show(request: Request) -> dict[str, Any]:
    """Show whether the admin has an authenticator."""
    return _page(request, CodeForm())


def set_up(request: Request) -> dict[str, Any]:
    """Make a new secret and show it. There is no redirect: nothing keeps the secret until another request."""
    made = break_glass.begin(request.db, request.sessions.config.secrets, request.me)
    if made is None:
        request.response.status_int = 409
    return _page(request, CodeForm(), made=made)


def confirm(request: Request) -> dict[str, Any] | Response:
    """Confirm the new secret by a code."""
    form = CodeForm(request.POST)
    if not form.validate():
        request.response.status_int = 422
        return _page(request, form)
    keys = request.sessions.config.secrets
    try:
        break_glass.confirm(request.db, keys, request.me, form.code.data, client_of(request))
    except break_glass.CodeRefused as refusal:
        form.refuse(refusal, request.response)
        return _page(request, form)
    return notes.see_other(request, "/authenticator?notice=authenticator_set_up")


def remove(request: Request) -> Response:
    """Remove the authenticator. Without one nothing happens."""
    removed = break_glass.remove(request.db, request.me, client_of(request))
    return notes.see_other(request, "/authenticator" + ("?notice=authenticator_removed" if removed else ""))


def _page(request: Request, form: CodeForm, made: break_glass.Enrolment | None = None) -> dict[str, Any]:
    """Return the variables of the page; `made` is shown this once."""
    found = break_glass.of(request.db, request.sessions.config.secrets, request.me.user_id)
    return {
        "form": form,
        "made": made,
        "authenticator": found,
        "minutes": break_glass.SET_UP_WITHIN // 60,
    }
