"""`/account/delete`: the page that says what a deletion deletes and what stays, and the page that asks for it.

The second page needs a password, or a code by mail in its stead, of the last five minutes.
"""

from contextlib import suppress
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPConflict, HTTPSeeOther
from pyramid.response import Response

from ..core.personal import Fate, UserData
from ..sessions import policy_of
from ..web import notes
from ..web.request import Request
from . import deletion

# Seconds since the password was entered.
_FRESH = 300
_ADMIN = "This account has a role in the admin console. Ask an owner to take the role away first."


def includeme(config: Configurator) -> None:
    """Add the two pages, for signed-in people."""
    config.add_route("delete_account", "/account/delete")
    config.add_route("confirm_deletion", "/account/delete/confirm")
    config.add_view(
        show,
        route_name="delete_account",
        request_method="GET",
        renderer="shopforum:account/templates/deletion.jinja2",
    )
    config.add_view(
        show_confirm,
        route_name="confirm_deletion",
        request_method="GET",
        fresh_login=_FRESH,
        renderer="shopforum:account/templates/deletion_confirm.jinja2",
    )
    config.add_view(submit, route_name="confirm_deletion", request_method="POST", fresh_login=_FRESH)


def show(request: Request) -> dict[str, Any]:
    """Show what a deletion deletes, and what stays and why."""
    data = request.services.get(UserData)
    return {
        "goes": data.shown(Fate.DELETED),
        "stays": data.shown(Fate.ANONYMISED, Fate.KEPT),
        "days": deletion.DAYS,
    }


def show_confirm(request: Request) -> dict[str, Any]:
    """Show the button, or why the account cannot be deleted."""
    return {"days": deletion.DAYS, "refused": _ADMIN if deletion.is_admin(request) else None}


def submit(request: Request) -> Response:
    """Store the wish, and sign the user out everywhere."""
    if deletion.is_admin(request):
        raise HTTPConflict(_ADMIN)
    # Sent twice, the first has done it.
    with suppress(deletion.AskedAlready):
        deletion.ask(request)
    headers = [*policy_of(request).drop(request), ("Clear-Site-Data", '"cache", "storage"')]
    return HTTPSeeOther(notes.leave(request, "/?notice=deletion-asked"), headers=headers)
