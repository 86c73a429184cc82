import random
import uuid

import clocks
import pytest
from product_fixtures import GOODS, change

from shopforum.core import purge
from shopforum.dev.sample import store as sample
from shopforum.store import cart as carts
from shopforum.store import jobs, merging
from shopforum.store.cart import LineNotFound, Owner


def test_old_guests_carts_go_and_users_carts_stay(database, catalogue, ann, guest):
    carts.add(database, ann, "stoneware-mug", 1)
    carts.add(database, guest, "stoneware-mug", 1, new_guest=guest.guest_hashes[0])
    assert purge.run(jobs.PURGES, database) == 0
    clocks.pass_time(database, 31 * 86400)
    assert purge.run(jobs.PURGES, database) == 1
    assert carts.load(database, ann).lines
    assert not carts.load(database, guest).lines


def test_merged_carts_go(database, catalogue, ann, guest):
    carts.add(database, guest, "stoneware-mug", 1, new_guest=guest.guest_hashes[0])
    merging.merge(database, guest.guest_hashes, ann.user_id)
    clocks.pass_time(database, 31 * 86400)
    assert purge.run(jobs.PURGES, database) == 1
    assert carts.load(database, ann).lines


def test_removed_lines_go_after_a_day(database, catalogue, ann):
    for slug in ("stoneware-mug", "fountain-pen"):
        carts.add(database, ann, slug, 1)
    line = carts.load(database, ann).lines[0].id
    change(database, ann, line, 0)
    assert purge.run(jobs.PURGES, database) == 0
    clocks.pass_time(database, 25 * 3600)
    assert purge.run(jobs.PURGES, database) == 1
    with pytest.raises(LineNotFound):
        carts.restore(database, ann, [line])
    assert len(carts.load(database, ann).lines) == 1


def test_the_sample_shows_what_a_cart_can_show(database, catalogue):
    users = [uuid.UUID(int=n) for n in range(1, 4)]
    with database.transaction() as connection:
        sample.seed(connection, [], random.Random(1))
        sample.seed(connection, users, random.Random(7))
    assert catalogue.count("products") >= 28 >= len(GOODS)
    for user in users:
        cart = carts.load(database, Owner(user_id=user))
        lines = cart.lines
        assert len(cart.saved) == 1
        assert [line.problem for line in lines].count("sold-out") == 1
        assert any(line.price > line.added_price for line in lines)


def test_the_same_seed_gives_the_same_data(database, catalogue):
    users = [uuid.UUID(int=n) for n in range(1, 4)]
    seen = []
    for _ in range(2):
        catalogue.sql("TRUNCATE products, carts, orders CASCADE")
        with database.transaction() as connection:
            sample.seed(connection, users, random.Random(7))
        orders = "SELECT number, user_id, total_minor FROM orders ORDER BY number"
        held = (
            "SELECT user_id, quantity, l.price_minor, slug FROM cart_lines l JOIN carts c ON c.id = cart_id "
        )
        seen.append(
            [
                catalogue.sql(orders),
                catalogue.sql(f"{held} JOIN products p ON p.id = product_id ORDER BY 1, 4"),
            ]
        )
    assert seen[0] == seen[1]
    assert len(seen[0][0]) >= 3
