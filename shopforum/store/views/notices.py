"""The notice that says what the last change did to the cart, with the names of the products.

A change responds with a redirect whose query holds the kind of change and the ids of the lines; a signed note vouches for
the query (web/notes.py). The next page finds these lines in the cart that it shows anyway, so a notice never names a line
that is missing or belongs to somebody else.
"""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlencode

from ...web import notes
from ...web.contributions import Notice, Undo
from ...web.request import Request
from ...web.templating import plural
from ..cart import Cart, CartLine, Change
from ..forms import numbers


def address(
    code: str = "",
    lines: Sequence[int] = (),
    *,
    removed: Sequence[int] = (),
    path: str = "/shopping-cart",
    at: int | None = None,
) -> str:
    """Return the address of a page that says what was done: `code` to the `lines`, and which lines were `removed`.

    `at`: the line whose quantity the page is scrolled to. Without it, the page begins at its top, with the notice.
    """
    query = {"notice": code, "line": ",".join(map(str, lines)), "removed": ",".join(map(str, removed))}
    said = urlencode({name: value for name, value in query.items() if value}, safe=",")
    fragment = f"#quantity-{at}" if at else ""
    return f"{path}?{said}{fragment}" if said else path


def after(changes: Sequence[Change], *, path: str = "/shopping-cart") -> str:
    """Return the address to go to after these changes of quantities.

    On the way to the checkout only unexpected results are mentioned.
    """
    removed = [change.line_id for change in changes if not change.quantity]
    if any(change.sold_out for change in changes):
        return address("unready", removed=removed, path=path)
    clamped = [change.line_id for change in changes if change.clamped]
    updated = [change.line_id for change in changes if change.quantity]
    at = updated[0] if updated and path == "/shopping-cart" else None
    if clamped:
        return address("clamped", clamped, removed=removed, path=path, at=at)
    silent = path != "/shopping-cart" or (removed and not updated)
    return address("" if silent else "updated", [] if silent else updated, removed=removed, path=path, at=at)


def removed(request: Request) -> list[int]:
    """Return the ids of the lines that were just removed."""
    return numbers(notes.said(request).get("removed", ""))


def of(request: Request, cart: Cart) -> Notice | None:
    """Return the notice of the change that led to this page, with an undo button if lines were removed."""
    note = notes.said(request)
    code = note.get("notice", "")
    if code == "merged":
        return _merged(cart)
    lines = cart.lines_of(numbers(note.get("line", "")))
    describe = _NOTICES.get(code)
    general: Notice | None = request.services.notices.get(code)
    notice = describe(lines) if describe and lines else general
    if not cart.removed:
        return notice
    verb = "was" if len(cart.removed) == 1 else "were"
    where = "saved items" if cart.removed[0].saved else "cart"
    text = f"{_listed(cart.removed, 'and')} {verb} removed from your {where}."
    ids = ",".join(str(line.id) for line in cart.removed)
    # On the cart's page the button belongs to the form of all quantities.
    form = "cart" if request.route_name == "store_cart" else ""
    undo = Undo("/shopping-cart/undo", "Undo", "line", ids, form)
    return Notice(notice.kind if notice else "success", f"{notice.text} {text}" if notice else text, undo)


def refused(cart: Cart, errors: Mapping[int, str]) -> Notice:
    """Return the notice about typed quantities that are not valid. `errors` are by the id of the line."""
    lines = cart.lines_of(list(errors))[:3]
    return Notice(
        "error", " ".join(f"The quantity of {line.name} did not change. {errors[line.id]}" for line in lines)
    )


def _updated(lines: Sequence[CartLine]) -> Notice:
    held = " and ".join(f"{line.quantity} of {line.name}" for line in lines[:3])
    return Notice("success", f"Your cart holds {held}." if len(lines) <= 3 else "Your cart is up to date.")


def _clamped(lines: Sequence[CartLine]) -> Notice:
    left = (f"Only {line.stock} left of {line.name}: your cart holds {line.quantity}." for line in lines[:3])
    return Notice("warning", " ".join(left))


def _saying(what: str) -> Callable[[Sequence[CartLine]], Notice]:
    def describe(lines: Sequence[CartLine]) -> Notice:
        return Notice("success", f"{_listed(lines, 'and')} {'is' if len(lines) == 1 else 'are'} {what}.")

    return describe


def _restored(lines: Sequence[CartLine]) -> Notice:
    return _saying("saved for later again" if lines[0].saved else "back in your cart")(lines)


def _added_some(lines: Sequence[CartLine]) -> Notice:
    text = f"{_saying('in your cart')(lines).text} We do not have the rest of that order in stock."
    return Notice("warning", text)


_NOTICES: dict[str, Callable[[Sequence[CartLine]], Notice]] = {
    "added": _saying("in your cart"),
    "added-some": _added_some,
    "restored": _restored,
    "saved": _saying("saved for later"),
    "clamped": _clamped,
    "updated": _updated,
}


def _merged(cart: Cart) -> Notice | None:
    """Return the notice about a merge at the login: the lines from the guest's cart, and the user's earlier lines."""
    new = [line for line in cart.lines if line.merged]
    old = [line for line in cart.lines if not line.merged]
    saved = [line for line in cart.saved if line.merged]
    if not new:
        return None
    text = f"From your cart before the login we have kept: {_listed(new)}."
    if old:
        text += f" Your cart also holds, from earlier: {_listed(old)}."
    if saved:
        text += f" Saved for later, from earlier: {_listed(saved)}."
    return Notice("info", text)


def _listed(lines: Sequence[CartLine], last: str = "") -> str:
    names = [line.name for line in lines[:3]]
    if len(lines) > 3:
        return f"{', '.join(names)} and {plural(len(lines) - 3, 'more item')}"
    if last and len(names) > 1:
        return f"{', '.join(names[:-1])} {last} {names[-1]}"
    return ", ".join(names)
