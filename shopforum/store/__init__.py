"""The store: a catalogue, carts for guests and users, orders.

The views are in views/, the rules and the SQL in the modules beside it, which know nothing of requests; guests.py
stands between them: whose cart is this request's?
"""

from ..web.contributions import Act, NavItem, Notice
from ..web.request import Request
from ..web.site_config import SiteConfigurator
from . import guests

_NOTICES = {
    "added": Notice("success", "Added to your cart."),
    "clamped": Notice("warning", "There are not that many left: your cart holds all there are."),
    "sold-out": Notice("warning", "This is sold out. Your cart has not changed."),
    "updated": Notice("success", "Your cart is up to date."),
    "restored": Notice("success", "It is back in your cart."),
    "merged": Notice("info", "What you had in your cart before you logged in is in your cart."),
    "stale": Notice("warning", "Your cart was changed in another window. This is how it is now."),
    "unready": Notice("warning", "Not everything in your cart can be ordered as it is. See below."),
    "placed": Notice(
        "success", "Thank you, your order is placed. This is a demonstration: nothing is charged."
    ),
}
_ACTS = {
    "store_cart": Act("Change the cart"),
    "store_cart_items": Act("Add to cart"),
    "store_cart_item": Act("Change the quantity"),
    "store_cart_save": Act("Save for later"),
    "store_saved": Act("Move to cart"),
    "store_cart_undo": Act("Put back into the cart"),
    "store_checkout": Act("Place order"),
}
# Who is sent to the login from here has not asked for it.
_LOGIN_NOTICES = {
    "/shopping-cart": Notice(
        "info", "Log in to see your saved cart. You can also look around first: what you choose comes along."
    ),
    "/checkout": Notice("info", "Log in to order. What is in your cart comes along."),
    "/orders": Notice("info", "Log in to see your orders."),
}


def includeme(config: SiteConfigurator) -> None:
    """Add the store's pages, and the merge of a guest's cart at every login."""
    config.set_navigation(_nav)
    config.add_notices(_NOTICES)
    config.add_acts(_ACTS)
    config.add_login_hook(guests.merge_cart)
    config.add_login_notices(_LOGIN_NOTICES)
    config.include(".views")


def _nav(request: Request) -> list[NavItem]:
    route = request.route_name
    return [
        NavItem("Products", "/products", route == "store_products"),
        # Counted only where the cart is read anyway: no page runs a statement for its header.
        NavItem("Cart", "/shopping-cart", route == "store_cart", request.environ.get(guests.ITEMS)),
        NavItem("Orders", "/orders", route == "store_orders"),
    ]
