"""The letter to the owner of an account whose passkeys have changed. It has no link to a login: phishing mails do.

A passkey outlives a change of the password, so the owner has to hear of one that somebody else has added (ASVS 5.0 6.3.7).
"""

from markupsafe import Markup
from sqlalchemy import Connection, func, select

from ..core.sites import Site
from ..core.user_agents import plain_name
from ..mail import html
from ..mail.outgoing import Letter
from ..sessions import Client, Session
from ..sessions.vocabulary import EventName
from ..web.templating import utc

_DONE = {
    EventName.PASSKEY_ADDED: ("Passkey added", "a passkey was added to your account at {site} ({host})."),
    EventName.PASSKEY_REMOVED: (
        "Passkey removed",
        "a passkey was removed from your account at {site} ({host}). It logs nobody in any more.",
    ),
}
_LINES = (
    "When: {when}. Device: {device}. Address: {address}.",
    "Was this you? Then you do not have to do anything.",
    "If not, type these addresses into your browser: remove the passkey, sign out other devices, and change your password.",
    "{passkeys}",
    "{devices}",
    "We never ask for your password in a message.",
)


def changed(connection: Connection, name: EventName, owner: Session, site: Site, client: Client) -> Letter:
    """Return the letter about a passkey that was added or removed (`name`) just now, by the session of its owner."""
    subject, done = _DONE[name]
    values = {
        "name": owner.user_name,
        "site": site.title,
        "host": site.host,
        "when": utc(connection.execute(select(func.now())).scalar_one()),
        "device": plain_name(client.agent),
        "address": client.address or "unknown",
        "passkeys": f"{site.url}/account/passkeys",
        "devices": f"{site.url}/account/sessions",
    }
    lines = [line.format(**values) for line in ("Hello {name},", done, *_LINES)]
    shown = Markup("\n").join(Markup("<p>{}</p>").format(line) for line in lines)
    subject = f"{subject} at {site.title}"
    plain = "\n\n".join(lines) + "\n"
    return Letter(owner.user_email, subject, plain, html.page(subject, shown), site.name, owner.user_id)
