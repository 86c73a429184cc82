"""The checkout: for users, and for guests who give an e-mail address instead (guest_checkout.py)."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from pyramid.httpexceptions import HTTPFound, HTTPSeeOther

from ...sessions.acts import acting
from ...web import notes
from ...web.contributions import Notice
from ...web.numbers import bigint
from ...web.request import Request
from .. import cart as carts
from .. import orders
from ..cart import Cart, Owner
from ..forms import AddressForm
from ..orders import CartChanged, CartNotFound
from . import notices
from .orders import letters_of

_CHANGED = Notice("warning", "Your cart or a price has changed. Check the order below, then place it again.")


def review(request: Request) -> Any:
    """Show address and order on one page. A cart that cannot be ordered as it is leads back to the cart's page."""
    return show(request, _owner(request), lambda: _known(request))


def place(request: Request) -> Any:
    """Place the order. A form that is sent twice makes one order. 409 with the current cart if the cart has changed."""
    form, owner = AddressForm(request.POST), _owner(request)

    def order(cart_id: int, seen: str) -> Any:
        number = orders.place(
            request.site_db,
            owner,
            cart_id,
            seen,
            form.address,
            letters=letters_of(request),
            email=request.me.user_email or None,
            by=acting(request),
        )
        return notes.see_other(
            request, request.route_path("store_order", number=number, _query={"notice": "placed"})
        )

    return submit(request, form, owner, order)


def of_user(request: Request) -> Any:
    """Show the checkout for users with the address that was typed as a guest, 409: the cart is the user's now."""
    email = request.me.user_email
    letters = f" We write to {email} about it." if email else ""
    notice = Notice(
        "info",
        f"You are logged in now, so the order will be in your account.{letters} Check it, then place it.",
    )
    return again(request, AddressForm(request.POST), _owner(request), 409, notice)


def show(request: Request, owner: Owner, new_form: Callable[[], AddressForm]) -> Any:
    """Show the owner's cart with a new form; the cart's page instead, if the cart cannot be ordered."""
    cart = carts.load(request.site_db, owner, removed=notices.removed(request))
    if not cart.lines:
        return HTTPFound(_to_the_cart(request, "", cart))
    if not cart.orderable:
        # The merge at a login is news to the user. Items that cannot be ordered are marked in the cart anyway.
        code = "merged" if notes.said(request).get("notice") == "merged" else "unready"
        return HTTPFound(_to_the_cart(request, code, cart))
    return {**_page(cart, new_form()), "notice": notices.of(request, cart)}


def submit(request: Request, form: AddressForm, owner: Owner, order: Callable[[int, str], Any]) -> Any:
    """Call `order` with the cart's id and the digest of what the page has shown; it may raise CartChanged and CartNotFound.

    Return its response, or the page again: 422 for a form with errors, 409 if the cart has changed.
    """
    if not form.validate():
        return again(request, form, owner, 422)
    cart_id = bigint(request.POST.get("cart", ""))
    if cart_id is None:
        return again(request, form, owner, 409, _CHANGED)
    try:
        return order(cart_id, request.POST.get("seen", ""))
    except (CartChanged, CartNotFound):
        return again(request, form, owner, 409, _CHANGED)


def again(
    request: Request, form: AddressForm, owner: Owner, status: int, notice: Notice | None = None
) -> Any:
    """Show the checkout again with the typed address. An empty cart leads to the cart's page."""
    cart = carts.load(request.site_db, owner)
    if not cart.lines:
        return HTTPSeeOther("/shopping-cart")
    request.response.status_int = status
    if notice and not cart.orderable:
        notice = request.services.notices["unready"]
    return {**_page(cart, form), "notice": notice}


def _to_the_cart(request: Request, code: str, cart: Cart) -> str:
    """Return the cart's address, with the notice that this page would have shown."""
    return notes.leave(request, notices.address(code, removed=[line.id for line in cart.removed]))


def _known(request: Request) -> AddressForm:
    """Return the form with the user's last address."""
    last = orders.last_address(request.site_db, request.me.user_id)
    return AddressForm(data=asdict(last) if last else {"name": request.me.user_name})


def _page(cart: Cart, form: AddressForm) -> dict[str, Any]:
    return {"cart": cart, "form": form, "seen": orders.shown(cart)}


def _owner(request: Request) -> Owner:
    return Owner(user_id=request.me.user_id)
