"""From the cart to an order, and the orders of old. All for people who are signed in, and each sees only their own."""

from dataclasses import asdict
from typing import Any

from pyramid.httpexceptions import HTTPFound, HTTPNotFound, HTTPSeeOther

from ...core import paging
from ...web import notes
from ...web.contributions import Notice
from ...web.numbers import bigint
from ...web.request import Request
from .. import cart as carts
from .. import orders
from ..cart import Cart, Owner
from ..forms import AddressForm
from ..orders import Address, CartChanged, NoCart
from ..tables import orders as order_table
from . import notices

_CHANGED = Notice(
    "warning", "Something has changed since you looked. Check the order below, then place it again."
)


def review(request: Request) -> Any:
    """Address and order on one page. A cart that cannot be ordered as it is goes back to be mended."""
    cart = carts.load(request.db, _owner(request), removed=notices.removed(request))
    if not cart.lines:
        return HTTPFound(_to_the_cart(request, "", cart))
    if not cart.orderable:
        # What a login brought is news; what cannot be ordered is marked in the cart anyway.
        code = "merged" if notes.said(request).get("notice") == "merged" else "unready"
        return HTTPFound(_to_the_cart(request, code, cart))
    last = orders.last_address(request.db, request.me.user_id)
    form = AddressForm(data=asdict(last) if last else {"name": request.me.user_name})
    return {**_page(cart, form), "notice": notices.of(request, cart)}


def _to_the_cart(request: Request, code: str, cart: Cart) -> str:
    """The cart's address, to be told there what would have been told here."""
    return notes.leave(request, notices.address(code, removed=[line.id for line in cart.removed]))


def place(request: Request) -> Any:
    """Place the order. Sent twice, it is the same order; 409 with the cart as it is now where that has changed."""
    form = AddressForm(request.POST)
    if not form.validate():
        return _again(request, form, 422)
    cart_id, seen = bigint(request.POST.get("cart", "")), request.POST.get("seen", "")
    if cart_id is None:
        return _again(request, form, 409, _CHANGED)
    try:
        number = orders.place(request.db, request.me.user_id, cart_id, seen, Address(**form.data))
    except (CartChanged, NoCart):
        return _again(request, form, 409, _CHANGED)
    return notes.see_other(
        request, request.route_path("store_order", number=number, _query={"notice": "placed"})
    )


def listing(request: Request) -> dict[str, Any]:
    """One's orders, the newest first."""
    statement = orders.of_user(request.me.user_id)
    return {"page": paging.page(request, statement, order_table.c.id)}


def order(request: Request) -> dict[str, Any]:
    """One of one's own orders."""
    lines = orders.find(request.db, request.me.user_id, request.matchdict["number"])
    if not lines:
        raise HTTPNotFound
    return {"order": lines[0], "lines": lines}


def _again(request: Request, form: AddressForm, status: int, notice: Notice | None = None) -> Any:
    """The checkout with what was typed; an empty cart has none."""
    cart = carts.load(request.db, _owner(request))
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
