"""A person's own pages: the devices that are signed in to this site, recent activity, the own data, and the account's end.

`new_device.py` asks about logins with a new device, on pages and by mail (`letters.py`). `deletion.py` deletes accounts.
"""

from typing import Any

from pyramid.events import BeforeRender
from sqlalchemy.exc import SQLAlchemyError

from ..core.ids import parse_uuid
from ..mail import outgoing
from ..sessions import AuthorityUnavailable
from ..web import notes
from ..web.contributions import Act, Notice, Undo
from ..web.request import Request
from ..web.site_config import SiteConfigurator
from . import deletion, new_device


def includeme(config: SiteConfigurator) -> None:
    """Add the pages under /account and the mail settings. A login with a new device is reported to its owner."""
    config.add_service(outgoing.parse(config.registry.settings))
    config.add_new_device_hook(new_device.tell)
    config.add_notices(
        {
            "device-signed-out": Notice("success", "That device is signed out."),
            "device-gone": Notice("info", "That device was signed out already."),
            "device-known": Notice("success", "Thank you. That device stays signed in."),
            "device-reported": Notice(
                "warning", "That device is signed out, and our security team can see your report."
            ),
            "deletion-asked": Notice(
                "info",
                f"Your account will be deleted in {deletion.DAYS} days. You are signed out everywhere. To keep the account, log in "
                "before then.",
            ),
        }
    )
    config.add_acts(
        {
            "revoke_device": Act("Sign out a device", page="/account/sessions"),
            "revoke_others": Act("Sign out all other devices", page="/account/sessions"),
            "confirm_device": Act("Yes, that was me", page="/account/sessions"),
            "ask_again": Act("Undo", page="/account/sessions"),
            "confirm_deletion": Act("Delete the account", page="/account/delete"),
        }
    )
    config.add_subscriber(_ask, BeforeRender)
    config.include(".views")
    config.include(".data")
    config.include(".deletion_views")
    config.include(".deletion_undo")


def _ask(event: Any) -> None:
    """Give the layout the new device to ask about, and the undo of the last answer. An error page that does not look up the session asks nothing."""
    request: Request | None = event.get("request")
    if request is None or request.environ.get("shopforum.plain"):
        return
    try:
        said = notes.said(request)
        device = parse_uuid(said.get("device")) if said.get("notice") == "device-known" else None
        if device is not None:
            event["undo"] = Undo(f"/account/sessions/{device}/ask-again", "Undo")
        session = request.identity
        event["new_sign_in"] = new_device.asked(request.db, session) if session else None
    except (AuthorityUnavailable, SQLAlchemyError):
        # An error page is shown even if the session cannot be looked up.
        return
