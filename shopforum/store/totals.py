"""The costs of a cart: subtotal, shipping, included tax, total. Whole euro cents throughout, never floats."""

from collections.abc import Iterable
from dataclasses import dataclass

FREE_SHIPPING_FROM = 5000
SHIPPING = 490
# Shipping is taxed at the ordinary rate, whatever the parcel holds.
SHIPPING_TAX_RATE = 19


@dataclass(frozen=True)
class Totals:
    """Amounts in cents. `taxes` are pairs of a rate in per cent and the tax included in the total, highest rate first."""

    subtotal: int
    shipping: int
    taxes: tuple[tuple[int, int], ...]

    @property
    def total(self) -> int:
        """The amount to be paid, in cents."""
        return self.subtotal + self.shipping

    @property
    def missing_for_free_shipping(self) -> int:
        """The cents missing for free shipping; 0 if shipping is free already, or if there is nothing to ship."""
        return FREE_SHIPPING_FROM - self.subtotal if self.shipping else 0


def compute(items: Iterable[tuple[int, int, int]]) -> Totals:
    """Return the totals of items, given as (price in cents, quantity, tax rate in per cent)."""
    gross: dict[int, int] = {}
    for price, quantity, rate in items:
        gross[rate] = gross.get(rate, 0) + price * quantity
    subtotal = sum(gross.values())
    shipping = SHIPPING if 0 < subtotal < FREE_SHIPPING_FROM else 0
    if shipping:
        gross[SHIPPING_TAX_RATE] = gross.get(SHIPPING_TAX_RATE, 0) + shipping
    taxes = ((rate, included_tax(amount, rate)) for rate, amount in sorted(gross.items(), reverse=True))
    return Totals(subtotal, shipping, tuple((rate, tax) for rate, tax in taxes if tax))


def included_tax(gross: int, rate: int) -> int:
    """Return the tax included in an amount, both in cents, rounded half up. `rate` is in per cent."""
    return (2 * gross * rate + 100 + rate) // (2 * (100 + rate))
