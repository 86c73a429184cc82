"""What the last act did to the cart, in words that name it.

An act answers with a redirect whose query says which it was, and the ids of the lines; the next page, which believes it
(web/notes.py), finds the lines in the cart that it shows anyway. So nothing is said of a line that is not there, or is
another's.
"""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlencode

from ...web import notes
from ...web.contributions import Notice, Undo
from ...web.request import Request
from ...web.templating import plural
from ..cart import Cart, Change, Line
from ..forms import numbers


def address(
    code: str = "", lines: Sequence[int] = (), *, removed: Sequence[int] = (), path: str = "/shopping-cart"
) -> str:
    """Where to go for a page that says what was done: to which lines, and which were taken out."""
    query = {"notice": code, "line": ",".join(map(str, lines)), "removed": ",".join(map(str, removed))}
    said = urlencode({name: value for name, value in query.items() if value}, safe=",")
    return f"{path}?{said}" if said else path


def after(changes: Sequence[Change], *, path: str = "/shopping-cart") -> str:
    """The address after these changes of quantities. On the way to the checkout only what was not to be expected is
    said.
    """
    removed = [change.line_id for change in changes if not change.quantity]
    if any(change.sold_out for change in changes):
        return address("unready", removed=removed, path=path)
    clamped = [change.line_id for change in changes if change.clamped]
    if clamped:
        return address("clamped", clamped, removed=removed, path=path)
    kept = [change.line_id for change in changes if change.quantity]
    plain = path != "/shopping-cart" or (removed and not kept)
    return address("" if plain else "updated", [] if plain else kept, removed=removed, path=path)


def removed(request: Request) -> list[int]:
    """The ids of the lines that were taken out just now."""
    return numbers(notes.said(request).get("removed", ""))


def of(request: Request, cart: Cart) -> Notice | None:
    """The notice of the act that led here; with an undo where lines were taken out."""
    told = notes.said(request)
    code = told.get("notice", "")
    if code == "merged":
        return _merged(cart)
    named = cart.named(numbers(told.get("line", "")))
    say = _WORDS.get(code)
    general: Notice | None = request.services.notices.get(code)
    said = say(named) if say and named else general
    if not cart.removed:
        return said
    verb = "was" if len(cart.removed) == 1 else "were"
    where = "saved things" if cart.removed[0].saved else "cart"
    text = f"{_listed(cart.removed, 'and')} {verb} taken out of your {where}."
    lines = ",".join(str(line.id) for line in cart.removed)
    # On the cart's page it is a button of the form of all quantities.
    form = "cart" if request.route_name == "store_cart" else ""
    undo = Undo("/shopping-cart/undo", "Undo", "line", lines, form)
    return Notice(said.kind if said else "success", f"{said.text} {text}" if said else text, undo)


def refused(cart: Cart, errors: Mapping[int, str]) -> Notice:
    """What is wrong with the quantities that were typed."""
    wrong = cart.named(list(errors))
    said = " ".join(f"The quantity of {line.name} did not change. {errors[line.id]}" for line in wrong[:3])
    return Notice("error", said)


def _updated(lines: Sequence[Line]) -> Notice:
    held = " and ".join(f"{line.quantity} of {line.name}" for line in lines[:3])
    return Notice("success", f"Your cart holds {held}." if len(lines) <= 3 else "Your cart is up to date.")


def _clamped(lines: Sequence[Line]) -> Notice:
    left = (f"Only {line.stock} left of {line.name}: your cart holds {line.quantity}." for line in lines[:3])
    return Notice("warning", " ".join(left))


def _plainly(what: str) -> Callable[[Sequence[Line]], Notice]:
    def say(lines: Sequence[Line]) -> Notice:
        return Notice("success", f"{_listed(lines, 'and')} {'is' if len(lines) == 1 else 'are'} {what}.")

    return say


def _restored(lines: Sequence[Line]) -> Notice:
    return _plainly("saved for later again" if lines[0].saved else "back in your cart")(lines)


_WORDS: dict[str, Callable[[Sequence[Line]], Notice]] = {
    "added": _plainly("in your cart"),
    "restored": _restored,
    "saved": _plainly("saved for later"),
    "clamped": _clamped,
    "updated": _updated,
}


def _merged(cart: Cart) -> Notice | None:
    """What the login has brought from the guest's cart, what the user's held already, and what it put aside."""
    new = [line for line in cart.lines if line.merged]
    old = [line for line in cart.lines if not line.merged]
    aside = [line for line in cart.saved if line.merged]
    if not new:
        return None
    said = f"From your cart before the login we have kept: {_listed(new)}."
    if old:
        said += f" Your cart also holds, from earlier: {_listed(old)}."
    if aside:
        said += f" Saved for later, from earlier: {_listed(aside)}."
    return Notice("info", said)


def _listed(lines: Sequence[Line], last: str = "") -> str:
    names = [line.name for line in lines[:3]]
    if len(lines) > 3:
        return f"{', '.join(names)} and {plural(len(lines) - 3, 'more item')}"
    if last and len(names) > 1:
        return f"{', '.join(names[:-1])} {last} {names[-1]}"
    return ", ".join(names)
