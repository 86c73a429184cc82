"""Buying as a guest: the checkout without an account, and the order for the bearer of its link.

The link's token stays in the address for one redirect. Then it is in a cookie, for an hour, so that neither the history nor a
page's address has it. The page shows no name, no street and no e-mail address: whoever gets hold of the link learns
what was ordered, and can cancel it.
"""

from typing import Any

from pyramid.httpexceptions import HTTPFound, HTTPSeeOther

from ...mail.outgoing import MailSettings
from ...sessions import cookies
from ...sessions.acts import acting
from ...web import notes
from ...web.limits import LetterLimit, TooManyTries
from ...web.request import Request
from .. import guest_orders, guests, order_links, orders
from ..forms import FindOrderForm, GuestForm
from ..orders import Holder, OrderNotFound, WrongState
from . import checkout
from .orders import letters_of

# One cookie for all orders of a guest, with the link to the newest: one cookie for each order would grow with the orders that
# are placed at a shared computer, and the letters have the links to the others.
_COOKIE = "__Host-order"
_SECONDS = 3600
_JAR = cookies.CookieJar()


def offered(request: Request) -> bool:
    """Return whether a guest can buy here: an order that no letter tells of could not be found again."""
    return request.identity is None and request.services.get(MailSettings).on


def alternative(request: Request) -> tuple[str, str] | None:
    """Return the login page's way on without a login, for a guest with a cart on the way to the checkout."""
    own = request.cookies.keys()
    if not offered(request) or {cookies.SESSION, cookies.REFRESH} & own or guests.COOKIE not in own:
        return None
    return "Buy as a guest", "/checkout/guest"


def review(request: Request) -> Any:
    """Show the checkout for guests. Users, and guests where no mail can be sent, are sent to the checkout for users."""
    guests.require_whole_session(request)
    if not offered(request):
        return HTTPFound("/checkout")
    return checkout.show(request, guests.owner(request), GuestForm)


def place(request: Request) -> Any:
    """Place a guest's order, and show it. A form that is sent twice makes one order. 429 for too many letters to an address.

    A user's order is not placed here: a user who has logged in meanwhile, perhaps in another tab, gets the users' checkout
    with the typed address, 409.
    """
    guests.require_whole_session(request)
    if request.identity is not None:
        return checkout.of_user(request)
    if not offered(request):
        return notes.see_other(request, "/checkout")
    form, owner = GuestForm(request.POST), guests.owner(request)

    def order(cart_id: int, seen: str) -> Any:
        try:
            request.services.get(LetterLimit).take(request, form.email.data)
        except TooManyTries as wait:
            form.form_errors = [str(wait)]
            request.response.headers["Retry-After"] = str(wait.retry_after)
            return checkout.again(request, form, owner, 429)
        number = orders.place(
            request.site_db,
            owner,
            cart_id,
            seen,
            form.address,
            letters=letters_of(request),
            email=form.email.data,
        )
        token = guest_orders.open_link(request.site_db, request.sessions.config.secrets, number)
        return _with_token(_said(request, number, "placed"), token)

    return checkout.submit(request, form, owner, order)


def show(request: Request) -> Any:
    """Show a guest's order to the bearer of its link. A link that is not good leads to the page that sends a new one."""
    number, key = request.matchdict["number"], request.GET.get("key", "")
    # A mail program may have cut the link: the browser's own, in its cookie, stays.
    token = key if order_links.SHAPE.fullmatch(key) else None
    order = orders.find(request.site_db, _bearer(request, token), number)
    if order is None:
        return notes.see_other(request, "/guest-orders?notice=no-link")
    if token is not None:
        return _with_token(HTTPSeeOther(request.route_path("store_guest_order", number=number)), token)
    return {"order": order}


def cancel(request: Request) -> Any:
    """Cancel a guest's order that is not shipped yet. 409 with the order as it is, if it is too late."""
    number, bearer = request.matchdict["number"], _bearer(request)
    try:
        orders.cancel(request.site_db, letters_of(request), bearer, number)
    except OrderNotFound:
        return notes.see_other(request, "/guest-orders?notice=no-link")
    except WrongState:
        request.response.status_int = 409
        order = orders.find(request.site_db, bearer, number)
        return {"order": order, "notice": request.services.notices["too-late"]}
    return _said(request, number, "cancelled")


def take_over(request: Request) -> Any:
    """Move the order into the account of the user, whose e-mail address must be the order's."""
    number, bearer = request.matchdict["number"], _bearer(request)
    try:
        guest_orders.take_over(request.site_db, number, bearer.links, request.me.user_email, acting(request))
    except OrderNotFound:
        return _said(request, number, "not-taken-over")
    response = notes.see_other(
        request, request.route_path("store_order", number=number, _query={"notice": "taken-over"})
    )
    response.headerlist.append(_JAR.expired(_COOKIE))
    return response


def find(request: Request) -> dict[str, Any]:
    """Show the form that asks for a new link."""
    return {"form": FindOrderForm()}


def send_link(request: Request) -> Any:
    """Send a new link to the order's address. The response is the same whether there is such an order or not."""
    form = FindOrderForm(request.POST)
    if not form.validate():
        request.response.status_int = 422
        return {"form": form}
    try:
        request.services.get(LetterLimit).take(request, form.email.data)
    except TooManyTries as wait:
        form.form_errors = [str(wait)]
        request.response.status_int = 429
        request.response.headers["Retry-After"] = str(wait.retry_after)
        return {"form": form}
    guest_orders.send_link(request.site_db, letters_of(request), form.number.data, form.email.data)
    return notes.see_other(request, "/guest-orders?notice=link-sent")


def _bearer(request: Request, token: str | None = None) -> Holder:
    """Return the bearer of this token or, without one, of the cookie's."""
    token = token or cookies.read(request, _COOKIE, order_links.SHAPE)
    keyring = request.sessions.config.secrets
    return Holder(links=order_links.digests(keyring, token) if token else ())


def _said(request: Request, number: str, notice: str) -> HTTPSeeOther:
    """Return the redirect to a guest's order after an act."""
    return notes.see_other(
        request, request.route_path("store_guest_order", number=number, _query={"notice": notice})
    )


def _with_token(response: HTTPSeeOther, token: str) -> HTTPSeeOther:
    response.headerlist.append(_JAR.header(_COOKIE, token, _SECONDS))
    return response
