"""The texts of letters. Each says which site it is from. None has a link to a login: phishing mails do."""

from datetime import datetime
from uuid import UUID

from markupsafe import Markup

from ..core.sites import ADMIN, STORE, Site
from ..mail import html
from ..mail.outgoing import Letter
from ..web.templating import utc

_NEW_DEVICE_HTML = Markup(
    """<p>Hello {name},</p>
<p>somebody signed in to your account at <strong>{site}</strong> with a device that we have not seen before.</p>
<table>
<tr><th align="left">Site</th><td>{site} ({host})</td></tr>
<tr><th align="left">When</th><td>{when}</td></tr>
<tr><th align="left">Device</th><td>{device}</td></tr>
<tr><th align="left">Address</th><td>{address}</td></tr>
</table>
<p><strong>Was this you?</strong> Then you do not have to do anything.</p>
<p><strong>If not,</strong> type this address into your browser, sign that device out there, and change your password:</p>
<p>{devices}</p>
<p>We never ask for your password in a message.</p>"""
)

_NEW_DEVICE = """Hello {name},

somebody signed in to your account at {site} with a device that we have not seen before.

  Site:     {site} ({host})
  When:     {when}
  Device:   {device}
  Address:  {address}

Was this you? Then you do not have to do anything.

If not, type this address into your browser, sign that device out there, and change your password:

  {devices}

We never ask for your password in a message.
"""


def new_device(
    recipient: str,
    name: str,
    site: Site,
    at: datetime,
    device: str,
    address: str | None,
    user_id: UUID | None = None,
) -> Letter:
    """Return the letter about a login with a new device. `at` is the instant of the login."""
    subject = f"New sign-in to {site.title}"
    values = {
        "name": name,
        "site": site.title,
        "host": site.host,
        "when": utc(at),
        "device": device,
        "address": address or "unknown",
        "devices": f"{site.url}/account/sessions",
    }
    plain, shown = _NEW_DEVICE.format(**values), html.page(subject, _NEW_DEVICE_HTML.format(**values))
    return Letter(recipient, subject, plain, shown, site.name, user_id)


def deletion_asked(recipient: str, name: str, site: Site, due_at: datetime, user_id: UUID) -> Letter:
    """Return the letter about a deletion that was asked for, and that can be undone until an instant."""
    return _written(
        recipient,
        f"Your account at {site.title} will be deleted",
        name,
        [
            f"you asked us to delete your account, at {site.title} ({site.host}). It is signed out everywhere.",
            f"It will be deleted on {due_at:%-d %B %Y}, with the same account on our other sites.",
            "Do you want to keep it, or was it not you? Type this address into your browser and log in before that day:",
            f"{site.url}/login",
            "If it was not you, change your password afterwards. We never ask for your password in a message.",
        ],
        site.name,
        user_id,
    )


def deletion_undone(recipient: str, name: str, site: Site, user_id: UUID) -> Letter:
    """Return the letter about an account that its owner keeps after all."""
    return _written(
        recipient,
        f"Your account at {site.title} stays",
        name,
        [
            "you asked us to delete your account, and have now decided to keep it. Nothing was deleted.",
            "Was it not you? Then somebody else knows your password. Type this address into your browser and change it:",
            f"{site.url}/password/forgot" if site.name != ADMIN else f"{site.urls[STORE]}/password/forgot",
        ],
        site.name,
        user_id,
    )


def deleted(recipient: str, name: str) -> Letter:
    """Return the last letter to a user whose account is deleted. It is stored without the user's id."""
    return _written(
        recipient,
        "Your account is deleted",
        name,
        [
            "your account is deleted, as you asked us to.",
            "Invoices are kept as the law wants, and your posts in the forums are shown without your name.",
            "We write to you no more. You are welcome to create a new account at any time.",
        ],
    )


def _written(
    recipient: str,
    subject: str,
    name: str,
    paragraphs: list[str],
    site: str = "",
    user_id: UUID | None = None,
) -> Letter:
    """Return a letter of paragraphs, as plain text and as HTML."""
    plain = "\n\n".join([f"Hello {name},", *paragraphs]) + "\n"
    items = [Markup("<p>{}</p>").format(one) for one in (f"Hello {name},", *paragraphs)]
    return Letter(recipient, subject, plain, html.page(subject, Markup("\n").join(items)), site, user_id)
