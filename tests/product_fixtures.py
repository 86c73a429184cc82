"""The products that the store's tests buy, and what the tests do with the store's pages."""

import re
from typing import Any

import row_order

from shopforum.core.database import Database
from shopforum.core.sites import Site
from shopforum.sessions.keyring import Keyring
from shopforum.store import cart as carts
from shopforum.store.cart import Change, Owner
from shopforum.store.letters import Letters

# slug: name, category, price in cents, tax rate, stock. The slugs have pictures.
GOODS = {
    "stoneware-mug": ("Stoneware mug", "kitchen", 1600, 19, 10),
    "linen-notebook": ("Linen notebook", "desk", 1800, 7, 5),
    "fountain-pen": ("Fountain pen", "desk", 3600, 19, 3),
    "globe-light": ("Globe light", "lighting", 5900, 19, 1),
    "desk-clock": ("Desk clock", "desk", 2900, 19, 0),
    "wool-blanket": ("Wool blanket", "textiles", 14500, 19, 8),
}

# A site without a mail server: nothing is queued.
SILENT = Letters(
    Site("store", "Harbour Store", "https://store.test", {}, development=True),
    on=False,
    keyring=Keyring(["tests-only-0123456789-0123456789-0123456789"]),
)


class Catalogue:
    """The products in the database. A test changes them here as the store's staff would, behind the customer's back."""

    def __init__(self, database: Database) -> None:
        self.db = database

    def fill(self) -> None:
        for slug, (name, category, price, rate, stock) in GOODS.items():
            self.sql(
                "INSERT INTO products (slug, name, category, summary, description, price_minor, tax_rate, stock) "
                "VALUES (:slug, :name, :category, :summary, 'Made to last.', :price, :rate, :stock)",
                slug=slug,
                name=name,
                category=category,
                summary=f"A very good {name.lower()}.",
                price=price,
                rate=rate,
                stock=stock,
            )

    def sql(self, statement: str, **values: Any) -> list[Any]:
        return row_order.run(self.db, statement, values)

    def stock(self, slug: str) -> int:
        return self.sql("SELECT stock FROM products WHERE slug = :slug", slug=slug)[0]["stock"]

    def set(self, slug: str, **columns: int | bool) -> None:
        for column, value in columns.items():
            self.sql(f"UPDATE products SET {column} = :value WHERE slug = :slug", value=value, slug=slug)

    def count(self, table: str) -> int:
        return self.sql(f"SELECT count(*) AS n FROM {table}")[0]["n"]


def change(db: Database, owner: Owner, line_id: int, quantity: int) -> Change:
    """Set the quantity of one line."""
    [done] = carts.change(db, owner, {line_id: quantity})
    return done


def forms(page: Any, action: str) -> list[Any]:
    """The forms of a page that post to an address matching the pattern."""
    return [form for _, form in sorted(page.forms.items(), key=str) if re.fullmatch(action, form.action)]


def put(client: Any, slug: str, quantity: object = 1, **options: Any) -> Any:
    """Put a product into the cart, by the form on its page."""
    form = forms(client.get(f"/products/{slug}"), "/shopping-cart/items")[0]
    form["quantity"] = quantity
    return form.submit(**options)


def press(page: Any, label: str, *, status: int | None = None, **typed: object) -> Any:
    """Press the button whose name begins so, as a browser without JavaScript does. `typed` are texts by product, with
    underscores: `stoneware_mug=3`.
    """
    button = _button(page, label)
    form = _form_of(page, button)
    for slug, entered in typed.items():
        row = page.html.select_one(f'tr:has(a[href="/products/{slug.replace("_", "-")}"])')
        form[row.select_one("input[type=number]")["name"]] = str(entered)
    form.action = button.get("formaction", form.action)
    name = button.get("name")
    if not name:
        return form.submit(status=status)
    # Only the pressed one of the buttons of that name.
    same = [each for each in page.html.select(f'button[name="{name}"]') if _form_of(page, each) is form]
    return form.submit(name, index=same.index(button), status=status)


def target(page: Any, label: str) -> str:
    """Return the address to which the button whose name begins so posts its form."""
    return str(_button(page, label)["formaction"])


def _button(page: Any, label: str) -> Any:
    buttons = page.html.select(f'button[aria-label^="{label}"]')
    return buttons[0] if buttons else page.html.find("button", string=label)


def _form_of(page: Any, button: Any) -> Any:
    if "form" in button.attrs:
        return page.forms[button["form"]]
    around = button.find_parent("form")
    return page.forms[page.html.find_all("form").index(around)]


def notice(page: Any) -> str:
    """Return the page's message about the last act."""
    return page.html.select_one("#notice > p").text
