"""The letter that tells the other owners of a code in place of a password. It has no link to a login: phishing mails do."""

from datetime import datetime

from markupsafe import Markup

from ..core.sites import Site
from ..core.user_agents import plain_name
from ..mail import html
from ..mail.outgoing import Letter
from ..operations.break_glass import Recipient
from ..sessions import Client, Session
from ..web.templating import utc

_LINES = (
    "Hello {name},",
    (
        "while FusionAuth was away, a code of an authenticator stood in for the password of {actor} at {site}, {when}, from the "
        "address {address} with {device}. For five minutes that session could do what takes a fresh password, such as ending "
        "everyone's sessions."
    ),
    (
        "Ask {actor} whether it was them, by another way than mail. If it was not, type {url} into your browser and end their "
        "sessions there. While FusionAuth is away, use the command line: shopforum sessions revoke."
    ),
    "We never ask for a password or a code in a message.",
)


def break_glass_used(
    to: Recipient, at: datetime, site: Site, session: Session, actor: str, client: Client
) -> Letter:
    """Return the letter to another owner. `at` is the instant of the use, `session` that of the admin whose code it was."""
    values = {
        "name": to.user_name,
        "actor": actor,
        "site": site.title,
        "when": utc(at),
        "address": client.address or "unknown",
        "device": plain_name(client.agent),
        "url": f"{site.url}/users/{session.user_id}",
    }
    plain = "\n\n".join(line.format(**values) for line in _LINES) + "\n"
    paragraphs = Markup("\n").join(Markup("<p>{}</p>").format(line.format(**values)) for line in _LINES)
    subject = "A code stood in for a password at the console"
    return Letter(to.user_email, subject, plain, html.page(subject, paragraphs), site.name, to.user_id)
