"""The store: a catalogue, carts for guests and users, orders.

The views are in views/. The rules and the SQL are in the modules beside it, which know nothing of requests. guests.py
stands between them: it finds the owner of the cart that a request means.
"""

from ..web.contributions import Act, NavItem, Notice, SearchBox
from ..web.request import Request
from ..web.site_config import SiteConfigurator
from . import guests
from .views import guest_checkout, pages

_NOTICES = {
    "added": Notice("success", "Added to your cart."),
    "clamped": Notice("warning", "There are not that many left: your cart holds all that are in stock."),
    "sold-out": Notice("warning", "This product is sold out. Your cart has not changed."),
    "updated": Notice("success", "Your cart is up to date."),
    "restored": Notice("success", "The product is back in your cart."),
    "merged": Notice("info", "Your cart from before the login has been added to your saved cart."),
    "stale": Notice("warning", "Your cart was changed in another window. Below is the current cart."),
    "unready": Notice("warning", "Some items in your cart cannot be ordered as they are. See below."),
    "added-some": Notice("warning", "We added what is left in stock to your cart."),
    "all-gone": Notice(
        "warning", "Nothing of this order is in stock at the moment. Your cart has not changed."
    ),
    "cancelled": Notice("success", "Your order is cancelled."),
    "too-late": Notice(
        "warning", "This order is on its way already, so it cannot be cancelled. You can send it back."
    ),
    "no-link": Notice(
        "warning",
        "That link is no longer good, it was opened too long ago, or another order was opened since. Open it again from the newest letter, or ask for a new one.",
    ),
    "link-sent": Notice(
        "success",
        "If a guest has placed that order with that address, a letter with a new link is on its way.",
    ),
    "taken-over": Notice("success", "The order is in your account now."),
    "not-taken-over": Notice(
        "warning",
        "To keep this order, open it from one of our letters, and log in with the e-mail address that the letter went to.",
    ),
    "will-write": Notice("success", "We will write to you when this product is back."),
    "back": Notice("info", "This product is in stock again."),
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
    "store_guest_checkout": Act("Place order"),
    "store_find_order": Act("Send the link"),
    "store_guest_cancel": Act("Cancel the order", page="/guest-orders"),
    "store_guest_keep": Act("Keep the order in my account", page="/guest-orders"),
    "store_order_cancel": Act("Cancel the order", page="/orders"),
    "store_order_again": Act("Buy again"),
    "store_notify": Act("Write to me when it is back"),
}
# The login page's text for a visitor who was sent there from one of these pages.
_LOGIN_NOTICES = {
    "/shopping-cart": Notice(
        "info", "Log in to see your saved cart. You can also look around first: your choices are kept."
    ),
    "/checkout": Notice("info", "Log in to order. Your cart is kept."),
    "/orders": Notice("info", "Log in to see your orders."),
}


# The ways on without a login for such a visitor.
_LOGIN_ALTERNATIVES = {
    "/shopping-cart": lambda _: ("Look at the products", "/products"),
    "/checkout": guest_checkout.alternative,
    "/orders": lambda _: ("Find an order placed as a guest", "/guest-orders"),
}


def includeme(config: SiteConfigurator) -> None:
    """Add the store's pages. At every login a guest's cart is merged into the user's."""
    config.set_navigation(_nav)
    config.set_search_box(SearchBox("/products", "Search products", "/search-suggestions"))
    config.add_notices(_NOTICES)
    config.add_acts(_ACTS)
    config.add_login_hook(guests.merge_cart)
    config.add_login_notices(_LOGIN_NOTICES)
    config.add_login_alternatives(_LOGIN_ALTERNATIVES)
    config.set_footer_links(*pages.FOOTER)
    config.set_sitemap(pages.paths)
    config.include(".views")


def _nav(request: Request) -> list[NavItem]:
    route = request.route_name
    return [
        NavItem("Products", "/products", route == "store_products"),
        # Counted only on pages that read the cart anyway: no page runs a statement for its header.
        NavItem("Cart", "/shopping-cart", route == "store_cart", request.environ.get(guests.ITEMS)),
        NavItem("Orders", "/orders", route == "store_orders"),
    ]
