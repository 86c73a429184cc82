"""The store's letters: about each step of an order, and about a product that is back.

None has a link to a login: phishing mails do. A guest's has a link that opens the order. Without a mail server no letter is
queued.
"""

from dataclasses import dataclass
from uuid import UUID

from markupsafe import Markup
from sqlalchemy import Connection

from ..core.sites import Site
from ..mail import html, outgoing
from ..mail.outgoing import Letter
from ..sessions.keyring import Keyring
from ..web.templating import money
from . import order_links

_STEPS = {
    "placed": ("We have your order", "Thank you for your order. We write again when it is packed."),
    "packed": (
        "Your order is packed",
        "Your order is packed and leaves us soon. Until then you can cancel it.",
    ),
    "shipped": ("Your order is on its way", "Your order has left us and is on its way to you."),
    "delivered": (
        "Your order has arrived",
        "Your order has been delivered. If something is wrong with it, send it back within 30 days.",
    ),
    "cancelled": ("Your order is cancelled", "Your order is cancelled, and nothing is charged."),
}
_LINK = (
    f"This link shows your order to whoever has it, for {order_links.DAYS} days. Create an account with this e-mail "
    "address to keep the order there."
)
_PLAIN = """Hello {name},

{text}

  {facts}

{page}

{site}
"""
_BODY = Markup(
    """<p>Hello {name},</p>
<p>{text}</p>
<p><strong>{facts}</strong></p>
<p>{page}</p>
<p>{site}</p>"""
)


@dataclass(frozen=True)
class Recipient:
    """The user that a letter is for, or a guest. Without an address there is no letter."""

    user_id: UUID | None
    name: str
    email: str | None


@dataclass(frozen=True)
class Letters:
    """Queues the letters of a site. With `on` False, it queues none: no mail server is set up.

    The keyring hashes the links of guests.
    """

    site: Site
    on: bool
    keyring: Keyring

    def step(self, connection: Connection, to: Recipient, number: str, total: int, state: str) -> None:
        """Queue the letter about a step of an order, in the caller's transaction. `total` is in cents."""
        self._about_order(connection, to, number, total, *_STEPS[state])

    def link(self, connection: Connection, to: Recipient, number: str, total: int) -> None:
        """Queue the letter with a new link to a guest's order, in the caller's transaction. `total` is in cents."""
        self._about_order(connection, to, number, total, "The link to your order", "Here is your order.")

    def back(self, connection: Connection, to: Recipient, slug: str, name: str) -> None:
        """Queue the letter about a product that can be bought again, in the caller's transaction."""
        text = "you asked us to write when this product is back. It is, while stocks last."
        self._queue(connection, to, f"{name} is back", text, name, f"/products/{slug}")

    def _about_order(
        self, connection: Connection, to: Recipient, number: str, total: int, subject: str, text: str
    ) -> None:
        if not self.on or to.email is None:
            return
        path = f"/orders/{number}"
        if to.user_id is None:
            path = (
                f"/guest-orders/{number}?key={order_links.new(connection, self.keyring, number, mailed=True)}"
            )
            text = f"{text} {_LINK}"
        self._queue(connection, to, f"{subject}: {number}", text, f"Order {number}, {money(total)}", path)

    def _queue(
        self, connection: Connection, to: Recipient, subject: str, text: str, facts: str, path: str
    ) -> None:
        if not self.on or to.email is None:
            return
        values = {
            # A guest has typed both the name and the address: no name goes to an address that may be somebody else's.
            "name": to.name if to.user_id else "there",
            "text": text,
            "facts": facts,
            "page": f"{self.site.url}{path}",
            "site": self.site.title,
        }
        plain, shown = _PLAIN.format(**values), html.page(subject, _BODY.format(**values))
        letter = Letter(to.email, subject, plain, shown, self.site.name, to.user_id)
        outgoing.queue(connection, letter)
