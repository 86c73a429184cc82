"""Putting things aside for later, and taking them back into the cart. For users: a guest has no later."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound

from ...web import notes
from ...web.request import Request
from .. import guests
from .. import saved as shelf
from ..cart import NoLine
from . import cart, notices


def put_aside(request: Request) -> Any:
    """From the cart to what is saved."""
    line_id = int(request.matchdict["id"])
    if wrong := cart.settle(request):
        return wrong
    try:
        shelf.put_aside(request.db, guests.owner(request), line_id)
    except NoLine:
        raise HTTPNotFound from None
    return notes.see_other(request, notices.address("saved", [line_id]))


def take_back(request: Request) -> Any:
    """From what is saved to the cart, as far as the stock goes."""
    line_id = int(request.matchdict["id"])
    if wrong := cart.settle(request):
        return wrong
    try:
        change = shelf.take_back(request.db, guests.owner(request), line_id)
    except NoLine:
        raise HTTPNotFound from None
    code = "sold-out" if change.sold_out else "clamped" if change.clamped else "added"
    return notes.see_other(request, notices.address(code, [line_id]))
