"""The cart and the ways to change it, for users and for guests alike. After a change the cart says what it was.

Every button of the page sends along what was typed into the quantities: nothing typed is lost, whichever is pressed.
"""

from typing import Any

from pyramid.httpexceptions import HTTPForbidden, HTTPNotFound

from ...web import notes
from ...web.request import Request
from .. import cart as carts
from .. import guests
from ..cart import Cart, NoLine, Owner
from ..forms import AddForm, Quantities, numbers, typed_quantities
from . import catalogue, notices


def show(request: Request) -> dict[str, Any]:
    """The cart. A guest who has put something in sees it without a login; who has no cart at all is asked to log in,
    and so is who presents session cookies that are no session (`require_whole_session`).
    """
    cart = carts.load(request.db, _owner(request), removed=notices.removed(request))
    return _page(request, cart, notice=notices.of(request, cart))


def add(request: Request) -> Any:
    """Put a product into the cart. Whose session has just ended finds it there after the login, as a guest's."""
    slug = request.POST.get("product", "")
    form = AddForm(request.POST if "quantity" in request.POST else None, data={"quantity": 1})
    if not form.validate():
        request.response.status_int = 422
        return catalogue.show(request, slug, form)
    guest, hashed = None, None
    if request.identity is None:
        guest = guests.new_token(request)
        hashed = guests.new_hash(request, guest)
    change = carts.add(request.db, guests.owner(request), slug, form.quantity.data, new_guest=hashed)
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
        # With every addition the 30 days begin anew.
        kept = guest if change.created else guests.token(request)
        response.headerlist.append(guests.keep(kept or guest))
    return response


def update(request: Request) -> Any:
    """Set the quantities that were typed, one more or less where such a button was pressed, and go on to the checkout
    if it was that one. 409 with the cart as it is now for a line that is gone.
    """
    owner, typed = _owner(request), typed_quantities(request.POST)
    if typed.errors:
        return refuse(request, typed)
    try:
        changes = carts.change(request.db, owner, typed.wanted)
    except NoLine:
        request.response.status_int = 409
        return _page(request, carts.load(request.db, owner), notice=request.services.notices["stale"])
    checkout = "checkout" in request.POST
    return notes.see_other(
        request, notices.after(changes, path="/checkout" if checkout else "/shopping-cart")
    )


def change(request: Request) -> Any:
    """Set the quantity of a line of one's own; 0 takes it out."""
    owner = _owner(request)
    typed = typed_quantities(request.POST)
    typed.read(int(request.matchdict["id"]), request.POST.get("quantity", ""))
    if typed.errors:
        return refuse(request, typed)
    try:
        changes = carts.change(request.db, owner, typed.wanted)
    except NoLine:
        raise HTTPNotFound from None
    return notes.see_other(request, notices.after(changes))


def undo(request: Request) -> Any:
    """Bring back the lines that were taken out."""
    owner = _owner(request)
    if wrong := settle(request):
        return wrong
    lines = numbers(request.POST.get("line", ""))
    if not lines:
        raise HTTPNotFound
    try:
        carts.restore(request.db, owner, lines)
    except NoLine:
        raise HTTPNotFound from None
    return notes.see_other(request, notices.address("restored", lines))


def settle(request: Request) -> dict[str, Any] | None:
    """Set the quantities that were typed beside what the button does. Returns the page that says what is wrong with
    them, where something is. Raises HTTPNotFound.
    """
    typed = typed_quantities(request.POST)
    if typed.errors:
        return refuse(request, typed)
    try:
        carts.change(request.db, guests.owner(request), typed.wanted)
    except NoLine:
        raise HTTPNotFound from None
    return None


def refuse(request: Request, typed: Quantities) -> dict[str, Any]:
    """The cart as it was, with what was typed and what is wrong with it. Raises HTTPNotFound if none of it is here."""
    cart = carts.load(request.db, guests.owner(request))
    if not cart.named(list(typed.errors)):
        raise HTTPNotFound
    request.response.status_int = 422
    return _page(request, cart, notice=notices.refused(cart, typed.errors), typed=typed)


def _page(request: Request, cart: Cart, *, typed: Quantities | None = None, **values: Any) -> dict[str, Any]:
    """The values of the cart's template."""
    request.environ[guests.ITEMS] = cart.items
    return {"cart": cart, "typed": typed or Quantities(), **values}


def _owner(request: Request) -> Owner:
    """Whose cart it is. Raises HTTPForbidden, which leads to the login, for who can have none."""
    guests.require_whole_session(request)
    owner = guests.owner(request)
    if owner == Owner():
        raise HTTPForbidden
    return owner
