"""A person's own page: the devices that are signed in to this site, recent activity, and signing devices out.

`new_device.py` asks about logins with a new device, on pages and by mail (`letters.py`, `mail.py`).
"""

from typing import Any

from pyramid.config import Configurator
from pyramid.events import BeforeRender
from sqlalchemy.exc import SQLAlchemyError

from ..sessions import AuthorityUnavailable
from ..web.acts import Act
from ..web.templating import Notice
from . import mail, new_device


def includeme(config: Configurator) -> None:
    """Add the routes, views and notices under /account.

    Sets `registry.on_new_device`, which the login calls, and `registry.mail`.
    """
    config.registry.mail = mail.parse(config.registry.settings)
    config.registry.on_new_device = new_device.tell
    config.registry.notices |= {
        "device-signed-out": Notice("success", "That device is signed out."),
        "device-gone": Notice("info", "That device had been signed out already."),
        "device-known": Notice("success", "Thank you. That device stays signed in."),
        "device-reported": Notice(
            "warning", "That device is signed out, and our security team has your report."
        ),
    }
    config.registry.acts |= {
        "revoke_device": Act("Sign out a device", page="/account/sessions"),
        "revoke_others": Act("Sign out all other devices", page="/account/sessions"),
        "confirm_device": Act("Yes, that was me", page="/account/sessions"),
    }
    config.add_subscriber(_ask, BeforeRender)
    config.include(".views")


def _ask(event: Any) -> None:
    """Give the layout the new device to ask about. An error page that does not look up the session asks nothing."""
    request = event.get("request")
    if request is None or request.environ.get("shopforum.plain"):
        return
    try:
        session = request.identity
        event["new_sign_in"] = new_device.asked(request.db, session) if session else None
    except (AuthorityUnavailable, SQLAlchemyError):
        # An error page is shown even if the session cannot be looked up.
        return
