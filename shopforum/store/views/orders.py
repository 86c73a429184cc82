"""A user's orders: the list, one order with its steps, its invoice, cancelling and buying again. For signed-in users only."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound

from ...core import paging
from ...mail.outgoing import MailSettings
from ...sessions.acts import acting
from ...web import notes
from ...web.request import Request
from .. import orders
from ..letters import Letters
from ..orders import Order, OrderNotFound, OrderSummary, WrongState
from ..tables import orders as order_table
from . import notices


def letters_of(request: Request) -> Letters:
    """Return the queue of the site's letters."""
    return Letters(request.site, request.services.get(MailSettings).on)


def listing(request: Request) -> dict[str, Any]:
    """List the user's orders, the newest first."""
    statement = orders.of_user(request.me.user_id)
    return {"page": paging.page(request, statement, order_table.c.id).of(OrderSummary)}


def show(request: Request) -> dict[str, Any]:
    """Show one of the user's own orders, or its invoice."""
    return {"order": _order(request)}


def cancel(request: Request) -> Any:
    """Cancel an order that is not shipped yet. 409 with the order as it is, if it is too late."""
    number = request.matchdict["number"]
    try:
        orders.cancel(request.db, letters_of(request), request.me.user_id, number, acting(request))
    except OrderNotFound:
        raise HTTPNotFound from None
    except WrongState:
        request.response.status_int = 409
        return {"order": _order(request), "notice": request.services.notices["too-late"]}
    return notes.see_other(
        request, request.route_path("store_order", number=number, _query={"notice": "cancelled"})
    )


def buy_again(request: Request) -> Any:
    """Add the products of an order to the cart."""
    number = request.matchdict["number"]
    try:
        changes = orders.buy_again(request.db, request.me.user_id, number)
    except OrderNotFound:
        raise HTTPNotFound from None
    added = [change.line_id for change in changes if change.quantity]
    if not added:
        query = {"notice": "all-gone"}
        return notes.see_other(request, request.route_path("store_order", number=number, _query=query))
    whole = len(added) == len(changes) and not any(change.clamped for change in changes)
    return notes.see_other(request, notices.address("added" if whole else "added-some", added))


def _order(request: Request) -> Order:
    found = orders.find(request.db, request.me.user_id, request.matchdict["number"])
    if found is None:
        raise HTTPNotFound
    return found
