"""The product's own templates for the peers that use Jinja2, and the values that they show."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jinja2

import shopforum
from shopforum.core.sites import Site
from shopforum.store.cart import Cart, CartLine
from shopforum.store.forms import Quantities
from shopforum.store.views import picture
from shopforum.store.views.pages import FOOTER
from shopforum.web import templating
from shopforum.web.contributions import NavItem, SearchBox

HOST = "store.localhost:6543"
SITE = Site(
    "store",
    "Harbour Store",
    f"http://{HOST}",
    {
        "store": f"http://{HOST}",
        "forums": "http://forums.localhost:6543",
        "admin": "http://admin.localhost:6543",
    },
    development=True,
)
_PACKAGE = Path(shopforum.__file__).parent


def environment() -> jinja2.Environment:
    """Return Jinja2 over the product's templates, set up as the product sets it up."""
    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {name: getattr(templating, name) for name in ("money", "utc", "ago", "plural")}
    made.globals |= {
        "site": SITE,
        "demo": True,
        "static": templating.static,
        "picture": picture,
        "sister": {"label": "Harbour Forums", "url": SITE.urls["forums"] + "/"},
        "footer_links": FOOTER,
        "search_box": SearchBox("/products", "Search products", "/search-suggestions"),
        "plain": False,
        "notice": None,
    }
    return made


def _source(name: str) -> str:
    path = name.removeprefix("shopforum:")
    return (_PACKAGE / (path if path != name else f"templates/{name}")).read_text()


def values(cart: Cart, user: Any, csrf: Callable[[], str]) -> dict[str, Any]:
    """Return what the template needs of a request. `user` has `user_name`, and `ends_in` seconds of its session."""
    nav = [
        NavItem("Products", "/products"),
        NavItem("Cart", "/shopping-cart", current=True, count=cart.items),
        NavItem("Orders", "/orders"),
    ]
    return {"cart": cart, "typed": Quantities(), "session": user, "csrf": csrf, "nav": nav}


def cart_of(rows: Iterable[Any]) -> Cart:
    """Return the cart of some lines of an object-relational mapper, each with its `product`."""
    lines = [
        CartLine(
            line.id,
            line.product.id,
            line.product.slug,
            line.product.name,
            line.product.price_minor,
            line.price_minor,
            line.product.tax_rate,
            line.quantity,
            line.product.stock,
            line.product.withdrawn,
            saved=False,
            merged=False,
        )
        for line in rows
    ]
    return Cart(1, tuple(lines))
