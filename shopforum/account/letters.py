"""What we write to people. Each text says which site it is from, and asks for nothing by a link to a login."""

from datetime import datetime
from typing import Any
from uuid import UUID

from markupsafe import Markup

from ..web.templating import utc
from .mail import Letter

_HTML = Markup(
    """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{subject}</title></head>
<body>
<p>Hello {name},</p>
<p>your account at <strong>{site}</strong> was signed in to with a device that we have not seen before.</p>
<table>
<tr><th align="left">Site</th><td>{site} ({host})</td></tr>
<tr><th align="left">When</th><td>{when}</td></tr>
<tr><th align="left">Device</th><td>{device}</td></tr>
<tr><th align="left">Address</th><td>{address}</td></tr>
</table>
<p><strong>Was this you?</strong> Then there is nothing to do.</p>
<p><strong>If not,</strong> type this address into your browser, sign that device out there, and change your password:</p>
<p>{devices}</p>
<p>We never ask for your password in a message.</p>
</body></html>
"""
)

_PLAIN = """Hello {name},

your account at {site} was signed in to with a device that we have not seen before.

  Site:     {site} ({host})
  When:     {when}
  Device:   {device}
  Address:  {address}

Was this you? Then there is nothing to do.

If not, type this address into your browser, sign that device out there, and change your password:

  {devices}

We never ask for your password in a message.
"""


def new_device(
    recipient: str,
    name: str,
    site: Any,
    at: datetime,
    device: str,
    address: str | None,
    user_id: UUID | None = None,
) -> Letter:
    """The letter about a login with a new device. `site` is settings.Site, `at` the instant of the login."""
    subject = f"New sign-in to {site.title}"
    values = {
        "subject": subject,
        "name": name,
        "site": site.title,
        "host": site.host,
        "when": utc(at),
        "device": device,
        "address": address or "unknown",
        "devices": f"{site.url}/account/sessions",
    }
    plain, html = _PLAIN.format(**values), _HTML.format(**values)
    return Letter(recipient, subject, plain, html, site.name, user_id)
