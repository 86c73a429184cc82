"""The texts of letters. Each says which site it is from. None has a link to a login: phishing mails do."""

from datetime import datetime
from uuid import UUID

from markupsafe import Markup

from ..core.sites import Site
from ..mail import html
from ..mail.outgoing import Letter
from ..web.templating import utc

_BODY = Markup(
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

_PLAIN = """Hello {name},

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
    plain, shown = _PLAIN.format(**values), html.page(subject, _BODY.format(**values))
    return Letter(recipient, subject, plain, shown, site.name, user_id)
