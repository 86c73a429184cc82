"""The cart's page and its forms, for users and for guests. After a change the page says what was changed.

Every button of the page also sends the quantities that were typed, so that no button loses them.
"""

from typing import Any

from pyramid.httpexceptions import HTTPForbidden, HTTPNotFound

from ...web import notes
from ...web.request import Request
from .. import cart as carts
from .. import guests
from ..cart import Cart, LineNotFound, Owner
from ..forms import AddForm, Quantities, numbers, typed_quantities
from . import catalogue, guest_checkout, notices

# The ways to the checkout, by the value of the button.
_CHECKOUTS = {"yes": "/checkout", "guest": "/checkout/guest"}


def show(request: Request) -> dict[str, Any]:
    """Show the cart. A guest with a cart sees it without a login. A visitor without a cart is sent to the login, and so is
    a request whose session cookies are not a valid session (`guests.require_whole_session`).
    """
    cart = carts.load(request.site_db, _owner(request), removed=notices.removed(request))
    return _page(request, cart, notice=notices.of(request, cart))


def add(request: Request) -> Any:
    """Add a product to the cart. If the session has just ended, it is added as a guest's, and merged at the login."""
    slug = request.POST.get("product", "")
    form = AddForm(request.POST if "quantity" in request.POST else None, data={"quantity": 1})
    if not form.validate():
        request.response.status_int = 422
        return catalogue.show(request, slug, form)
    guest, hashed = None, None
    if request.identity is None:
        guest = guests.new_token(request)
        hashed = guests.new_hash(request, guest)
    change = carts.add(request.site_db, guests.owner(request), slug, form.quantity.data, new_guest=hashed)
    if change is None:
        raise HTTPNotFound
    if not change.quantity:
        return notes.see_other(
            request, request.route_path("store_product", slug=slug, _query={"notice": "sold-out"})
        )
    response = notes.see_other(
        request, notices.address("clamped" if change.clamped else "added", [change.line_id])
    )
    if guest is not None:
        # Every addition renews the 30 days of the cookie.
        value = guest if change.created else guests.token(request)
        response.headerlist.append(guests.keep(value or guest))
    return response


def update(request: Request) -> Any:
    """Set the quantities that were typed, plus or minus one for those buttons; the checkout button leads to the checkout.

    409 with the current cart if a line has been removed meanwhile.
    """
    owner, typed = _owner(request), typed_quantities(request.POST)
    if typed.errors:
        return refuse(request, typed)
    try:
        changes = carts.change(request.site_db, owner, typed.wanted)
    except LineNotFound:
        request.response.status_int = 409
        return _page(request, carts.load(request.site_db, owner), notice=request.services.notices["stale"])
    path = _CHECKOUTS.get(request.POST.get("checkout", ""), "/shopping-cart")
    return notes.see_other(request, notices.after(changes, path=path))


def change(request: Request) -> Any:
    """Set the quantity of one line; 0 removes the line."""
    owner = _owner(request)
    typed = typed_quantities(request.POST)
    typed.read(int(request.matchdict["id"]), request.POST.get("quantity", ""))
    if typed.errors:
        return refuse(request, typed)
    try:
        changes = carts.change(request.site_db, owner, typed.wanted)
    except LineNotFound:
        raise HTTPNotFound from None
    return notes.see_other(request, notices.after(changes))


def undo(request: Request) -> Any:
    """Restore the lines that were removed."""
    owner = _owner(request)
    if errors := apply_typed(request):
        return errors
    lines = numbers(request.POST.get("line", ""))
    if not lines:
        raise HTTPNotFound
    try:
        carts.restore(request.site_db, owner, lines)
    except LineNotFound:
        raise HTTPNotFound from None
    return notes.see_other(request, notices.address("restored", lines, at=lines[0]))


def apply_typed(request: Request) -> dict[str, Any] | None:
    """Set the quantities that were typed, for a button that does something else as well.

    Return None, or the page with the errors of the quantities. Raises HTTPNotFound.
    """
    typed = typed_quantities(request.POST)
    if typed.errors:
        return refuse(request, typed)
    try:
        carts.change(request.site_db, guests.owner(request), typed.wanted)
    except LineNotFound:
        raise HTTPNotFound from None
    return None


def refuse(request: Request, typed: Quantities) -> dict[str, Any]:
    """Show the unchanged cart with the typed quantities and their errors. Raises HTTPNotFound if no line is in this cart."""
    cart = carts.load(request.site_db, guests.owner(request))
    if not cart.lines_of(list(typed.errors)):
        raise HTTPNotFound
    request.response.status_int = 422
    return _page(request, cart, notice=notices.refused(cart, typed.errors), typed=typed)


def _page(request: Request, cart: Cart, *, typed: Quantities | None = None, **values: Any) -> dict[str, Any]:
    """Return the values of the cart's template."""
    request.environ[guests.ITEMS] = cart.items
    guest = guest_checkout.offered(request)
    return {"cart": cart, "typed": typed or Quantities(), "guest": guest, **values}


def _owner(request: Request) -> Owner:
    """Return the cart's owner. Raises HTTPForbidden, which leads to the login, for a visitor who has no cart."""
    guests.require_whole_session(request)
    owner = guests.owner(request)
    if owner == Owner():
        raise HTTPForbidden
    return owner
