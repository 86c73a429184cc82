"""`/account/passkeys`: the user's passkeys, to make and to remove. The page needs a password, or a passkey, of the last 15 minutes.

A passkey opens the account as the password does, and outlives a change of the password: somebody at an unlocked screen must not be
able to add one (ASVS 5.0 7.5.3).
"""

from typing import Any

from pyramid.renderers import render_to_response
from pyramid.response import Response

from ..core import user_agents
from ..core.database import once_more
from ..core.text import clean
from ..idp import LoginRefused
from ..mail import outgoing
from ..mail.outgoing import MailSettings
from ..sessions import AuthorityUnavailable, audit, client_of
from ..sessions.audit import Event
from ..sessions.vocabulary import EventName, InitiatingEntity
from ..web import notes
from ..web.contributions import Act, Notice
from ..web.request import Request
from ..web.site_config import SiteConfigurator
from . import passkey_json, passkey_letters, passkey_user, signin

PATH = "/account/passkeys"
# Seconds since the last proof of who it is.
_FRESH = 900
_TEMPLATE = "shopforum:login/templates/passkeys.jinja2"
_REFUSED = (
    "The passkey could not be added: the browser's answer came too late, or did not fit. Start again with the button below."
    " If your device now lists a passkey for this site, delete it there: it opens nothing here."
)


def includeme(config: SiteConfigurator) -> None:
    """Add the page, its forms, and /account/passkeys/start for its script."""
    config.add_acts(
        {
            "passkey_add": Act("Add a passkey", page=PATH),
            "passkey_options": Act("Add a passkey", page=PATH),
            "passkey_remove": Act("Remove a passkey", page=PATH),
        }
    )
    config.add_notices(
        {
            "passkey-added": Notice("success", "The passkey is added. You can log in with it."),
            "passkey-removed": Notice(
                "success", "The passkey is removed. Delete it on its device as well: it opens nothing here."
            ),
        }
    )
    config.add_template_names({"passkeys_page": PATH})
    config.add_route("passkey_add", PATH)
    config.add_route("passkey_options", f"{PATH}/start")
    config.add_route("passkey_remove", f"{PATH}/{{id}}/remove")
    config.add_view(
        show, route_name="passkey_add", request_method="GET", renderer=_TEMPLATE, fresh_login=_FRESH
    )
    for view, route in ((add, "passkey_add"), (options, "passkey_options"), (remove, "passkey_remove")):
        config.add_view(view, route_name=route, request_method="POST", fresh_login=_FRESH)


def show(request: Request) -> dict[str, Any]:
    """Show the user's passkeys."""
    return _page(request)


def options(request: Request) -> Response:
    """Answer the script with the options for a new passkey, as JSON.

    The passkey has to be one that the browser lists by itself, and its owner has to prove who it is to the device.
    """
    client = client_of(request)
    name = clean(str(request.POST.get("name") or ""), 60) or user_agents.label(client.agent) or "Passkey"
    try:
        found = request.idp.passkeys.options(request.me.user_id, name, client.agent)
    except AuthorityUnavailable as error:
        signin.log_outage(error)
        away = "Passkeys cannot be added at the moment. Try again in a moment."
        return passkey_json.for_script({"error": away}, 503, error.retry_after)
    found["rp"] = {"id": passkey_json.party(request).id, "name": request.site.title}
    found["authenticatorSelection"] = {
        **(found.get("authenticatorSelection") or {}),
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    return passkey_json.for_script({"options": found}, 200)


def add(request: Request) -> Response:
    """Store the passkey that the browser has made, and tell its owner by mail. 422 with the form for a refused one.

    FusionAuth checks the passkey, and that it answers this user's challenge.
    """
    credential = passkey_json.attestation(request.POST.get("credential"))
    if credential is None:
        return _refused(request)
    try:
        request.idp.passkeys.add(request.me.user_id, credential, passkey_json.party(request))
    except LoginRefused:
        return _refused(request)
    _write(request, EventName.PASSKEY_ADDED)
    response = notes.see_other(request, f"{PATH}?notice=passkey-added")
    if request.me.user_email:
        response.headerlist.append(passkey_user.header(request, request.me.user_email))
    return response


def remove(request: Request) -> Response:
    """Remove one of the user's passkeys."""
    own = {one.id for one in request.idp.passkeys.of_user(request.me.user_id)}
    # A form that is sent twice finds none, and nobody learns of others' passkeys.
    if request.matched_id in own:
        request.idp.passkeys.remove(request.matched_id)
        _write(request, EventName.PASSKEY_REMOVED)
    return notes.see_other(request, f"{PATH}?notice=passkey-removed")


def _page(request: Request, error: str = "") -> dict[str, Any]:
    """Return the values of the page. After a refusal with the name that was typed."""
    passkeys = request.idp.passkeys.of_user(request.me.user_id)
    name = clean(str(request.POST.get("name") or ""), 60)
    return {"passkeys": passkeys, "error": error, "name": name}


def _refused(request: Request) -> Response:
    response = render_to_response(_TEMPLATE, _page(request, _REFUSED), request=request)
    response.status_int = 422
    return response


@once_more
def _write(request: Request, name: EventName) -> None:
    """Write the audit row, and queue the letter to the owner in the same transaction."""
    me, client, mail = request.me, client_of(request), request.services.get(MailSettings)
    event = Event(
        name,
        request.site.name,
        client,
        initiating_entity=InitiatingEntity.USER,
        actor=me.actor,
        user_id=me.user_id,
        session_id=me.id,
        detail={},
    )
    with request.db.transaction() as connection:
        audit.write(connection, event)
        if mail.on and me.user_email:
            outgoing.queue(connection, passkey_letters.changed(connection, name, me, request.site, client))
