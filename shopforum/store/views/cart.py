"""The cart and every way to change it, for users and for guests alike. After a change the cart says what it was."""

from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPForbidden, HTTPNotFound, HTTPSeeOther
from pyramid.request import Request

from ...web.templating import Notice, Undo, plural
from .. import cart as carts
from .. import guests
from ..cart import Cart, Line, Owner
from ..forms import AddForm, ChangeForm
from . import catalogue


def show(request: Request) -> dict[str, Any]:
    """The cart. A guest who has put something in sees it without a login; who has no cart at all is asked to log in,
    and so is who presents session cookies that are no session (`require_whole_session`).
    """
    guests.require_whole_session(request)
    owner = guests.owner(request)
    if owner == Owner():
        raise HTTPForbidden
    cart = carts.load(request.db, owner, removed=_number(request.GET.get("removed", "")))
    return _page(request, cart, _notice(request, cart))


def add(request: Request) -> Any:
    """Put a product into the cart. Whose session has just ended finds it there after the login, as a guest's."""
    slug = request.POST.get("product", "")
    form = AddForm(request.POST if "quantity" in request.POST else None, data={"quantity": 1})
    if not form.validate():
        request.response.status_int = 422
        return catalogue.show(request, slug, form)
    guest, hashed = None, None
    if request.identity is None:
        guest = guests.new_token()
        hashed = guests.new_hash(request, guest)
    change = carts.add(request.db, guests.owner(request), slug, form.quantity.data, new_guest=hashed)
    if change is None:
        raise HTTPNotFound
    if not change.quantity:
        return HTTPSeeOther(request.route_path("store_product", slug=slug, _query={"notice": "sold-out"}))
    response = _back("clamped" if change.clamped else "added", change.line_id)
    if guest is not None:
        # With every addition the 30 days begin anew.
        kept = guest if change.created else guests.token(request)
        response.headerlist.append(guests.keep(kept or guest))
    return response


def change(request: Request) -> Any:
    """Set the quantity of a line of one's own; 0 takes it out."""
    guests.require_whole_session(request)
    owner, line_id = guests.owner(request), int(request.matchdict["id"])
    form = ChangeForm(request.POST)
    if not form.validate():
        cart = carts.load(request.db, owner)
        return _refuse(request, cart, cart.line(line_id), form.quantity.errors[0])
    done = carts.change(request.db, owner, line_id, form.quantity.data)
    if done is None:
        raise HTTPNotFound
    if not done.quantity:
        return HTTPSeeOther("/shopping-cart?" + urlencode({"removed": line_id}))
    if done.sold_out:
        return _back("unready", line_id)
    return _back("clamped" if done.clamped else "updated", line_id)


def undo(request: Request) -> HTTPSeeOther:
    """Bring back the line that was taken out."""
    guests.require_whole_session(request)
    line_id = _number(request.POST.get("line", ""))
    if not carts.restore(request.db, guests.owner(request), line_id):
        raise HTTPNotFound
    return _back("restored", line_id)


def _page(request: Request, cart: Cart, notice: Notice | None, wrong: int = 0) -> dict[str, Any]:
    """The values of the cart's template; `wrong` is the line whose quantity did not pass."""
    request.environ[guests.ITEMS] = cart.items
    return {"cart": cart, "notice": notice, "wrong": wrong}


def _refuse(request: Request, cart: Cart, line: Line | None, error: str) -> dict[str, Any]:
    """The cart as it was, with what is wrong. Raises HTTPNotFound for a line that is not there."""
    if line is None:
        raise HTTPNotFound
    request.response.status_int = 422
    return _page(
        request, cart, Notice("error", f"The quantity of {line.name} did not change. {error}"), line.id
    )


def _notice(request: Request, cart: Cart) -> Notice | None:
    """What the last act did, in words that name it."""
    if cart.removed:
        undo = Undo("/shopping-cart/undo", "Undo", {"line": str(cart.removed.id)})
        return Notice("success", f"{cart.removed.name} was taken out of your cart.", undo)
    code = request.GET.get("notice", "")
    if code == "merged":
        return merged(cart)
    line = cart.line(_number(request.GET.get("line", "")))
    said = _about(line) if line else {}
    return said.get(code) or request.registry.notices.get(code)


def _about(line: Line) -> dict[str, Notice]:
    return {
        "added": Notice("success", f"{line.name} is in your cart."),
        "clamped": Notice(
            "warning", f"Only {line.stock} left of {line.name}: your cart holds {line.quantity}."
        ),
        "updated": Notice("success", f"Your cart holds {line.quantity} of {line.name}."),
        "restored": Notice("success", f"{line.name} is back in your cart."),
    }


def merged(cart: Cart) -> Notice | None:
    """What the login has brought from the guest's cart, and what the user's held already."""
    new = [line.name for line in cart.lines if line.merged]
    old = [line.name for line in cart.lines if not line.merged]
    if not new:
        return None
    before = f" Your cart also holds, from earlier: {_listed(old)}." if old else ""
    return Notice("info", f"From your cart before the login we have kept: {_listed(new)}.{before}")


def _listed(names: list[str]) -> str:
    more = f" and {plural(len(names) - 3, 'more item')}" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _back(code: str, line_id: int) -> HTTPSeeOther:
    return HTTPSeeOther("/shopping-cart?" + urlencode({"notice": code, "line": line_id}))


def _number(text: str) -> int:
    """An id from a query or a field; 0, which no row has, for anything else and for what no bigint holds."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else 0
