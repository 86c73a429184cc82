"""The store's views: each reads the form and the ids, calls one function of the domain, and responds."""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from pyramid.path import AssetResolver
from pyramid.security import NO_PERMISSION_REQUIRED

from ...web.site_config import SiteConfigurator
from ...web.templating import static
from .. import search
from ..delivery import HOME, window
from ..forms import COUNTRIES
from ..totals import FREE_SHIPPING_FROM, SHIPPING
from . import cart, catalogue, checkout, guest_checkout, orders, pages, saved

_ROUTES = {
    "store_home": "/",
    "store_products": "/products",
    "store_product": "/products/{slug}",
    "store_suggestions": "/search-suggestions",
    "store_cart": "/shopping-cart",
    "store_cart_items": "/shopping-cart/items",
    "store_cart_item": r"/shopping-cart/items/{id:\d{1,18}}",
    "store_cart_save": r"/shopping-cart/items/{id:\d{1,18}}/save",
    "store_saved": r"/shopping-cart/saved/{id:\d{1,18}}",
    "store_cart_undo": "/shopping-cart/undo",
    "store_checkout": "/checkout",
    "store_guest_checkout": "/checkout/guest",
    "store_find_order": "/guest-orders",
    "store_guest_order": "/guest-orders/{number}",
    "store_guest_cancel": "/guest-orders/{number}/cancel",
    "store_guest_keep": "/guest-orders/{number}/keep",
    "store_orders": "/orders",
    "store_order": "/orders/{number}",
    "store_order_cancel": "/orders/{number}/cancel",
    "store_order_again": "/orders/{number}/again",
    "store_invoice": "/orders/{number}/invoice",
    "store_notify": "/products/{slug}/notify",
}


def includeme(config: SiteConfigurator) -> None:
    """Add the routes, the views and the templates' globals."""
    for name, pattern in _ROUTES.items():
        config.add_route(name, pattern)
    config.include(pages)
    public: dict[str, Any] = {"permission": NO_PERMISSION_REQUIRED}
    for view, route, method, template, options in (
        (catalogue.home, "store_home", "GET", "home", public),
        (catalogue.listing, "store_products", "GET", "products", public),
        (catalogue.product, "store_product", "GET", "product", public),
        (cart.show, "store_cart", "GET", "cart", public),
        (cart.update, "store_cart", "POST", "cart", public),
        (cart.add, "store_cart_items", "POST", "product", public),
        (cart.change, "store_cart_item", "POST", "cart", public),
        (cart.undo, "store_cart_undo", "POST", "cart", public),
        (saved.save, "store_cart_save", "POST", "cart", {}),
        (saved.move_to_cart, "store_saved", "POST", "cart", {}),
        (checkout.review, "store_checkout", "GET", "checkout", {}),
        (checkout.place, "store_checkout", "POST", "checkout", {}),
        (guest_checkout.review, "store_guest_checkout", "GET", "checkout", public),
        (guest_checkout.place, "store_guest_checkout", "POST", "checkout", public),
        (guest_checkout.find, "store_find_order", "GET", "find_order", public),
        (guest_checkout.send_link, "store_find_order", "POST", "find_order", public),
        (guest_checkout.show, "store_guest_order", "GET", "guest_order", public),
        (guest_checkout.cancel, "store_guest_cancel", "POST", "guest_order", public),
        (guest_checkout.take_over, "store_guest_keep", "POST", "guest_order", {}),
        (orders.listing, "store_orders", "GET", "orders", {}),
        (orders.show, "store_order", "GET", "order", {}),
        (orders.show, "store_invoice", "GET", "invoice", {}),
        (orders.cancel, "store_order_cancel", "POST", "order", {}),
        (orders.buy_again, "store_order_again", "POST", "order", {}),
        (catalogue.notify, "store_notify", "POST", "product", {}),
    ):
        renderer = f"shopforum:store/templates/{template}.jinja2"
        config.add_view(view, route_name=route, request_method=method, renderer=renderer, **options)
    config.add_view(
        catalogue.suggestions, route_name="store_suggestions", request_method="GET", renderer="json", **public
    )
    config.add_template_names(
        {
            "picture": picture,
            "mark": search.mark,
            "pictures": pictures,
            "delivery": _delivery,
            "countries": dict(COUNTRIES),
            "shipping": SHIPPING,
            "free_shipping_from": FREE_SHIPPING_FROM,
        }
    )


def _delivery(country: str = HOME, ordered: date | None = None) -> tuple[date, date]:
    """Return the first and the last day of a delivery; without `ordered`, of an order of today."""
    return window(ordered or datetime.now(UTC).date(), country)


def picture(slug: str) -> str:
    """Return the address of a product's first picture, or of the store's icon if there is no picture."""
    return pictures(slug)[0]


@lru_cache(maxsize=1024)
def pictures(slug: str) -> tuple[str, ...]:
    """Return the addresses of a product's pictures: `<slug>.svg`, `<slug>-2.svg` and so on; the store's icon if there is none."""
    paths = (f"products/{slug}{part}.svg" for part in ("", "-2", "-3"))
    found = [path for path in paths if AssetResolver().resolve(f"shopforum:static/{path}").exists()]
    return tuple(map(static, found or ["favicon-store.svg"]))
