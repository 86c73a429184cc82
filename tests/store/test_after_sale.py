"""After the order: its steps, letters, cancelling, buying again, the invoice; and letters about products that are back."""

import uuid
from dataclasses import replace
from datetime import date

import pytest
from click.testing import CliRunner
from product_fixtures import SILENT, forms, notice
from session_fixtures import together
from support import person

from shopforum.cli import main
from shopforum.mail.outgoing import MailSettings
from shopforum.store import cart as carts
from shopforum.store import delivery, orders, restock
from shopforum.store.cart import Owner
from shopforum.store.orders import Address, OrderNotFound, WrongState

HOME = Address("Sam Shore", "Harbour Lane 4", "26121", "Oldenburg", "DE")
WRITING = replace(SILENT, on=True)


@pytest.fixture
def number(database, catalogue, ann):
    return buy(database, ann, {"stoneware-mug": 2, "fountain-pen": 3})


def buy(database, owner, goods):
    for slug, quantity in goods.items():
        carts.add(database, owner, slug, quantity)
    cart = carts.load(database, owner)
    return orders.place(
        database,
        owner.user_id,
        cart.id,
        orders.shown(cart),
        HOME,
        letters=WRITING,
        email="sam@harbour.example",
    )


def subjects(catalogue):
    return [row["subject"] for row in catalogue.sql("SELECT subject FROM outgoing_mail ORDER BY id")]


class TestSteps:
    def test_each_is_kept_and_written_about(self, database, catalogue, ann, number):
        assert [orders.advance(database, WRITING, number) for _ in range(3)] == [
            "packed",
            "shipped",
            "delivered",
        ]
        order = orders.find(database, ann.user_id, number)
        assert [step.state for step in order.steps] == ["placed", "packed", "shipped", "delivered"]
        assert [step.at for step in order.steps] == sorted(step.at for step in order.steps)
        assert [subject.partition(":")[0] for subject in subjects(catalogue)] == [
            "We have your order",
            "Your order is packed",
            "Your order is on its way",
            "Your order has arrived",
        ]
        [letter] = catalogue.sql("SELECT * FROM outgoing_mail WHERE subject LIKE '%on its way%'")
        assert f"https://store.test/orders/{number}" in letter["plain"]
        assert "/login" not in letter["plain"]
        with pytest.raises(WrongState):
            orders.advance(database, WRITING, number)

    def test_without_a_mail_server_nothing_is_queued(self, database, catalogue, ann):
        carts.add(database, ann, "stoneware-mug", 1)
        cart = carts.load(database, ann)
        orders.place(
            database, ann.user_id, cart.id, orders.shown(cart), HOME, letters=SILENT, email="a@b.example"
        )
        assert subjects(catalogue) == []

    def test_the_command(self, write_ini, database, catalogue, ann, number):
        run = CliRunner().invoke
        ini = write_ini()
        assert f"{number} is packed now" in run(main, ["orders", "advance", ini, number.lower()]).output
        assert run(main, ["orders", "advance", ini, "H-22222-22222"]).exit_code == 1
        catalogue.sql("UPDATE orders SET state = 'cancelled'")
        assert "is cancelled" in run(main, ["orders", "advance", ini, number]).output


class TestCancelling:
    def test_the_pieces_of_a_cancelled_order_are_in_stock_again_once(self, database, catalogue, ann, number):
        assert (catalogue.stock("stoneware-mug"), catalogue.stock("fountain-pen")) == (8, 0)
        together(*[lambda: orders.cancel(database, WRITING, ann.user_id, number)] * 4)
        assert (catalogue.stock("stoneware-mug"), catalogue.stock("fountain-pen")) == (10, 3)
        assert orders.find(database, ann.user_id, number).state == "cancelled"
        assert len(subjects(catalogue)) == 2

    def test_a_withdrawn_product_stays_withdrawn(self, database, catalogue, ann, number):
        catalogue.set("fountain-pen", withdrawn=True)
        orders.cancel(database, WRITING, ann.user_id, number)
        assert catalogue.stock("fountain-pen") == 0

    def test_a_shipped_order_is_not_cancelled(self, database, catalogue, ann, number):
        for _ in range(2):
            orders.advance(database, SILENT, number)
        with pytest.raises(WrongState):
            orders.cancel(database, SILENT, ann.user_id, number)
        assert catalogue.stock("stoneware-mug") == 8

    def test_nobody_elses(self, database, catalogue, number):
        with pytest.raises(OrderNotFound):
            orders.cancel(database, SILENT, uuid.uuid4(), number)
        with pytest.raises(OrderNotFound):
            orders.buy_again(database, uuid.uuid4(), number)


class TestPages:
    @pytest.fixture
    def order(self, store, stocked):
        store.log_in("shopper")
        owner = Owner(user_id=uuid.UUID(person("shopper").id))
        return f"/orders/{buy(stocked.db, owner, {'stoneware-mug': 2, 'fountain-pen': 3})}"

    def press(self, store, page, path):
        return forms(page, path)[0].submit(status=303).follow()

    def test_the_products_are_linked_and_the_state_is_said(self, store, order, stocked):
        stocked.sql("UPDATE products SET withdrawn = true WHERE slug = 'fountain-pen'")
        page = store.get(order)
        assert [link["href"] for link in page.html.select("tbody th a")] == ["/products/stoneware-mug"]
        assert page.html.select_one(".page-head .badge").text == "Placed"
        assert "Placed" in store.get("/orders").html.select_one("[data-label=State]").text

    def test_cancelling(self, store, order):
        page = self.press(store, store.get(order), f"{order}/cancel")
        assert notice(page) == "Your order is cancelled."
        assert not forms(page, f"{order}/cancel")
        assert [li.b.text for li in page.html.select(".timeline li")] == ["Placed", "Cancelled"]

    def test_too_late(self, store, order, stocked):
        page = store.get(order)
        stocked.sql("UPDATE orders SET state = 'shipped'")
        page = forms(page, f"{order}/cancel")[0].submit(status=409)
        assert "cannot be cancelled" in notice(page)
        assert page.html.select_one(".page-head .badge").text == "Shipped"

    def test_buying_again_takes_what_there_is(self, store, order, stocked):
        page = self.press(store, store.get(order), f"{order}/again")
        assert (
            notice(page) == "Stoneware mug is in your cart. We do not have the rest of that order in stock."
        )
        stocked.set("fountain-pen", stock=3)
        page = self.press(store, store.get(order), f"{order}/again")
        assert notice(page) == "Stoneware mug and Fountain pen are in your cart."
        stocked.sql("UPDATE products SET stock = 0")
        page = self.press(store, store.get(order), f"{order}/again")
        assert notice(page).startswith("Nothing of this order is in stock")

    def test_the_invoice_adds_up(self, store, order):
        page = store.get(f"{order}/invoice")
        assert [cell.text for cell in page.html.select("td[data-label=Sum]")] == ["€32.00", "€108.00"]
        assert page.html.select_one(".grand dd").text == "€140.00"

    def test_nobody_elses_and_no_forged_form(self, store, browser, order):
        token = store.get(order).html.select_one("input[name=csrf_token]")["value"]
        other = browser("store")
        other.log_in("member")
        own = other.get("/orders").html.select_one("input[name=csrf_token]")["value"]
        for path in (f"{order}/cancel", f"{order}/again"):
            other.post(path, {"csrf_token": own}, status=404)
            other.post(path, {"csrf_token": token}, status=403)
        other.get(f"{order}/invoice", status=404)


class TestRestock:
    def test_one_letter_each_when_it_is_back(self, database, catalogue):
        waiting = [uuid.uuid4() for _ in range(3)]
        for user_id in waiting:
            assert restock.ask(database, "desk-clock", user_id, f"{user_id.hex}@harbour.example")
            assert restock.ask(database, "desk-clock", user_id, f"{user_id.hex}@harbour.example")
        assert restock.run_once(database, WRITING) == 0
        catalogue.set("desk-clock", stock=4)
        assert [restock.run_once(database, WRITING, 2) for _ in range(3)] == [2, 1, 0]
        assert subjects(catalogue) == ["Desk clock is back"] * 3

    def test_only_for_what_is_sold_out(self, database, catalogue):
        assert not restock.ask(database, "stoneware-mug", uuid.uuid4(), "a@b.example")
        assert not restock.ask(database, "nothing", uuid.uuid4(), "a@b.example")
        assert catalogue.count("restock_notices") == 0

    def test_the_button_stands_where_mail_can_be_sent(self, store, stocked, apps, monkeypatch):
        assert "Write to me" not in store.get("/products/desk-clock").text
        services = apps["store"].services
        monkeypatch.setitem(
            services.objects, MailSettings, replace(services.get(MailSettings), host="mail.test")
        )
        store.log_in("shopper")
        [form] = forms(store.get("/products/desk-clock"), "/products/desk-clock/notify")
        assert notice(form.submit(status=303).follow()) == "We will write to you when this product is back."
        [row] = stocked.sql("SELECT email FROM restock_notices")
        assert row["email"] == person("shopper").email


def test_an_estimate_is_in_working_days():
    friday = date(2026, 11, 27)
    assert delivery.window(friday) == (date(2026, 12, 1), date(2026, 12, 2))
    assert delivery.window(friday, "FR") == (date(2026, 12, 3), date(2026, 12, 7))


def test_a_product_has_pictures_and_neighbours(store, stocked):
    page = store.get("/products/linen-notebook")
    sources = [image["src"].partition("?")[0] for image in page.html.select(".gallery img")]
    assert sources == [f"/static/products/linen-notebook{part}.svg" for part in ("", "-2", "-3")]
    assert [card.text for card in page.html.select(".card h3")] == ["Fountain pen", "Desk clock"]
