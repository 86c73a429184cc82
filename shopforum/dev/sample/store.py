"""Sample data of the store: the catalogue, carts that show what a cart can show, and orders."""

import random
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from shopforum.store import totals
from shopforum.store.orders import Address, new_number
from shopforum.store.tables import cart_lines, carts, order_lines, order_steps, orders, products

from ...core.database import ResultRow
from .store_catalogue import PRODUCTS

# Products by slug: id, price, tax rate, stock.
Goods = Mapping[str, ResultRow]
Basket = list[tuple[str, int]]

_FEATURED = {
    "stoneware-mug",
    "chefs-knife",
    "linen-notebook",
    "laptop-stand",
    "canvas-rucksack",
    "vacuum-flask",
    "desk-lamp",
    "wool-blanket",
}
# A few goods at the lower rate, so that both lines of tax are seen.
_LOWER_RATE = {"linen-notebook", "beeswax-candles", "terracotta-pots"}
_ADDRESSES = (
    Address("Sam Shore", "Harbour Lane 4", "26121", "Oldenburg", "DE"),
    Address("Mia Marsh", "Canal Street 17", "1011 AB", "Amsterdam", "NL"),
    Address("Moe Mooring", "Lighthouse Road 2", "8000", "Aarhus", "DK"),
)


def seed(connection: Connection, users: list[UUID], rng: random.Random) -> None:
    """Put in the catalogue, and for each of these users a cart and some orders.

    For a fresh database. The same seed of `rng` gives the same data, but for the instants, which lie before now.
    """
    goods = _catalogue(connection)
    for position, user in enumerate(users):
        address = _ADDRESSES[position % len(_ADDRESSES)]
        days = sorted(rng.sample(range(1, 60), rng.randint(1, 3)), reverse=True)
        for day in days:
            age = timedelta(days=day, minutes=rng.randrange(24 * 60))
            _order(connection, user, address, _pick(rng, goods), goods, age, new_number(rng.choice))
        _cart(connection, user, _pick(rng, goods), goods, rng)


def _catalogue(connection: Connection) -> Goods:
    """Put in or renew the products."""
    statement = insert(products)
    names = ("name", "category", "summary", "description", "price_minor", "tax_rate", "stock", "featured")
    statement = statement.on_conflict_do_update(
        index_elements=["slug"], set_={name: statement.excluded[name] for name in names}
    )
    rows = [
        {
            **asdict(product),
            "tax_rate": 7 if product.slug in _LOWER_RATE else 19,
            "featured": product.slug in _FEATURED,
        }
        for product in PRODUCTS
    ]
    connection.execute(statement, rows)
    return {row["slug"]: row for row in connection.execute(select(products)).mappings()}


def _pick(rng: random.Random, goods: Goods) -> Basket:
    """A few products that there are enough of, with quantities."""
    there = sorted(slug for slug, product in goods.items() if product["stock"] > 2)
    return [(slug, rng.randint(1, 2)) for slug in rng.sample(there, rng.randint(2, 4))]


def _cart(connection: Connection, user: UUID, basket: Basket, goods: Goods, rng: random.Random) -> None:
    """An open cart. The first thing in it was cheaper when it was put in, the second has sold out since; beside it, the
    last is saved for later.
    """
    cart_id = connection.execute(carts.insert().values(user_id=user).returning(carts.c.id)).scalar_one()
    gone = sorted(slug for slug, product in goods.items() if not product["stock"])
    basket = [basket[0], (rng.choice(gone), 1), *basket[1:]]
    lines = [
        {
            "cart_id": cart_id,
            "product_id": goods[slug]["id"],
            "quantity": quantity,
            "price_minor": goods[slug]["price_minor"] - (200 if position == 0 else 0),
        }
        for position, (slug, quantity) in enumerate(basket)
    ]
    connection.execute(cart_lines.insert(), lines[:-1])
    connection.execute(cart_lines.insert().values(saved_at=func.clock_timestamp(), **lines[-1]))


def _steps(age: timedelta, number: str) -> list[tuple[str, timedelta]]:
    """The steps that an order of this age has taken, each with the time from the order to it. Some were cancelled."""
    if number.endswith(("2", "7")):
        return [("cancelled", timedelta(hours=2))]
    steps = [
        ("packed", timedelta(hours=20)),
        ("shipped", timedelta(hours=26)),
        ("delivered", timedelta(days=3)),
    ]
    return [(state, after) for state, after in steps if after < age]


def _order(
    connection: Connection,
    user: UUID,
    address: Address,
    basket: Basket,
    goods: Goods,
    age: timedelta,
    number: str,
) -> None:
    """An order of that age, with the cart that it came from."""
    at = func.clock_timestamp() - age
    closed = carts.insert().values(
        user_id=user, created_at=at, changed_at=at, closed_at=at, closed_as="ordered"
    )
    cart_id = connection.execute(closed.returning(carts.c.id)).scalar_one()
    bought = [(goods[slug], quantity) for slug, quantity in basket]
    costs = totals.compute((product["price_minor"], n, product["tax_rate"]) for product, n in bought)
    order = orders.insert().values(
        number=number,
        user_id=user,
        cart_id=cart_id,
        created_at=at,
        subtotal_minor=costs.subtotal,
        shipping_minor=costs.shipping,
        total_minor=costs.total,
        tax_minor=costs.taxes,
        **asdict(address),
    )
    order_id = connection.execute(order.returning(orders.c.id)).scalar_one()
    taken = _steps(age, number)
    if taken:
        connection.execute(orders.update().where(orders.c.id == order_id).values(state=taken[-1][0]))
        steps = [{"order_id": order_id, "state": state, "at": at + after} for state, after in taken]
        for step in steps:
            connection.execute(order_steps.insert().values(step))
    names = ("slug", "name", "price_minor", "tax_rate")
    lines = [
        {
            "order_id": order_id,
            "product_id": product["id"],
            "quantity": quantity,
            **{name: product[name] for name in names},
        }
        for product, quantity in bought
    ]
    connection.execute(order_lines.insert(), lines)
