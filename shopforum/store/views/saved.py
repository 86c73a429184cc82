"""Saving lines of the cart for later, and moving them back. For signed-in users only."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound

from ...web import notes
from ...web.request import Request
from .. import guests, saved
from ..cart import LineNotFound
from . import cart, notices


def save(request: Request) -> Any:
    """Save a line of the cart for later."""
    line_id = int(request.matchdict["id"])
    if errors := cart.apply_typed(request):
        return errors
    try:
        saved.save(request.site_db, guests.owner(request), line_id)
    except LineNotFound:
        raise HTTPNotFound from None
    return notes.see_other(request, notices.address("saved", [line_id]))


def move_to_cart(request: Request) -> Any:
    """Move a saved line into the cart, limited to the stock."""
    line_id = int(request.matchdict["id"])
    if errors := cart.apply_typed(request):
        return errors
    try:
        change = saved.move_to_cart(request.site_db, guests.owner(request), line_id)
    except LineNotFound:
        raise HTTPNotFound from None
    code = "sold-out" if change.sold_out else "clamped" if change.clamped else "added"
    return notes.see_other(request, notices.address(code, [line_id]))
