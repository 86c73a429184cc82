"""The checkout. All of it needs a login."""

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
from ..orders import Address, CartChanged, CartNotFound
from . import notices
from .orders import letters_of

_CHANGED = Notice("warning", "Your cart or a price has changed. Check the order below, then place it again.")


def review(request: Request) -> Any:
    """Show address and order on one page. A cart that cannot be ordered as it is leads back to the cart's page."""
    cart = carts.load(request.site_db, _owner(request), removed=notices.removed(request))
    if not cart.lines:
        return HTTPFound(_to_the_cart(request, "", cart))
    if not cart.orderable:
        # The merge at a login is news to the user. Items that cannot be ordered are marked in the cart anyway.
        code = "merged" if notes.said(request).get("notice") == "merged" else "unready"
        return HTTPFound(_to_the_cart(request, code, cart))
    last = orders.last_address(request.site_db, request.me.user_id)
    form = AddressForm(data=asdict(last) if last else {"name": request.me.user_name})
    return {**_page(cart, form), "notice": notices.of(request, cart)}


def _to_the_cart(request: Request, code: str, cart: Cart) -> str:
    """Return the cart's address, with the notice that this page would have shown."""
    return notes.leave(request, notices.address(code, removed=[line.id for line in cart.removed]))


def place(request: Request) -> Any:
    """Place the order. A form that is sent twice makes one order. 409 with the current cart if the cart has changed."""
    form = AddressForm(request.POST)
    if not form.validate():
        return _again(request, form, 422)
    cart_id, seen = bigint(request.POST.get("cart", "")), request.POST.get("seen", "")
    if cart_id is None:
        return _again(request, form, 409, _CHANGED)
    try:
        number = orders.place(
            request.site_db,
            request.me.user_id,
            cart_id,
            seen,
            Address(**form.data),
            letters=letters_of(request),
            email=request.me.user_email or None,
            by=acting(request),
        )
    except (CartChanged, CartNotFound):
        return _again(request, form, 409, _CHANGED)
    return notes.see_other(
        request, request.route_path("store_order", number=number, _query={"notice": "placed"})
    )


def _again(request: Request, form: AddressForm, status: int, notice: Notice | None = None) -> Any:
    """Show the checkout again with the typed address. An empty cart leads to the cart's page."""
    cart = carts.load(request.site_db, _owner(request))
    if not cart.lines:
        return HTTPSeeOther("/shopping-cart")
    request.response.status_int = status
    if notice and not cart.orderable:
        notice = request.services.notices["unready"]
    return {**_page(cart, form), "notice": notice}


def _page(cart: Cart, form: AddressForm) -> dict[str, Any]:
    return {"cart": cart, "form": form, "seen": orders.shown(cart)}


def _owner(request: Request) -> Owner:
    return Owner(user_id=request.me.user_id)
