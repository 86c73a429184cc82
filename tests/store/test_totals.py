from hypothesis import given
from hypothesis import strategies as st

from shopforum.store import totals

items = st.lists(
    st.tuples(st.integers(1, 10**7), st.integers(1, 10**4), st.sampled_from([0, 5, 7, 10, 19, 25])),
    max_size=12,
)


@given(items)
def test_lines_and_shipping_make_the_total(bought):
    costs = totals.compute(bought)
    assert costs.subtotal == sum(price * quantity for price, quantity, _ in bought)
    assert costs.total == costs.subtotal + costs.shipping
    assert costs.shipping == (490 if 0 < costs.subtotal < 5000 else 0)


@given(items)
def test_the_tax_is_named_by_rate_and_within_the_total(bought):
    costs = totals.compute(bought)
    rates = [rate for rate, _ in costs.taxes]
    assert rates == sorted(set(rates), reverse=True)
    assert 0 <= sum(tax for _, tax in costs.taxes) < max(costs.total, 1)


@given(st.integers(0, 10**10), st.integers(0, 99))
def test_tax_is_the_nearest_cent(gross, rate):
    tax = totals.included_tax(gross, rate)
    exact = gross * rate
    assert abs(tax * (100 + rate) - exact) * 2 <= 100 + rate


def test_known_amounts():
    costs = totals.compute([(1600, 2, 19), (1800, 1, 7)])
    assert (costs.subtotal, costs.shipping, costs.total) == (5000, 0, 5000)
    assert costs.taxes == ((19, 511), (7, 118))
    small = totals.compute([(1600, 1, 7)])
    assert (small.shipping, small.total, small.taxes) == (490, 2090, ((19, 78), (7, 105)))
    assert small.missing_for_free_shipping == 3400
    assert totals.compute([]) == totals.Totals(0, 0, ())
