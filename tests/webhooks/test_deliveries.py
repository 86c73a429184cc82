"""The console's page of who was told what, and telling it again."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support import Browser
from webhooks.webhook_peers import Receiver

from shopforum.sessions import jobs
from shopforum.webhooks import outbound
from shopforum.webhooks.events import SENT
from shopforum.webhooks.settings import Endpoint, WebhookSettings


@pytest.fixture
def endpoint(apps: dict[str, Any], receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    """An endpoint that the console knows of, too."""
    services = apps["admin"].services
    one = Endpoint("siem", receiver.url, (b"n" * 32,), frozenset(SENT) - {"session_renewed"})
    monkeypatch.setitem(
        services.objects, WebhookSettings, replace(services.objects[WebhookSettings], endpoints=(one,))
    )
    return one


@pytest.fixture
def tell(apps: dict[str, Any], endpoint: Endpoint) -> Callable[[], int]:
    """One turn of the worker, after sealing what there is."""
    services = apps["store"].services

    def run() -> int:
        while jobs.seal(services.sessions):
            pass
        return outbound.run_once(services.db, (endpoint,))

    run()
    return run


@pytest.fixture
def page(browser: Callable[..., Browser], tell: Any, receiver: Receiver) -> Callable[[str], Any]:
    """`page("owner")`: the page as somebody sees it. Signing in is told, and then forgotten."""
    clients: dict[str, Browser] = {}

    def look(who: str) -> Any:
        if who not in clients:
            clients[who] = browser("admin")
            clients[who].log_in(who)
            tell()
            receiver.got.clear()
        return clients[who].get("/webhooks")

    return look


def states(page: Any) -> list[str]:
    return [cell.text.strip() for cell in page.html.select('td[data-label="State"]')]


def buttons(page: Any) -> list[Any]:
    return [form for form in page.forms.values() if form.action == "/webhooks/siem/redeliver"]


def ids(receiver: Receiver) -> list[str]:
    return [one["headers"]["webhook-id"] for one in receiver.got]


def test_messages_are_sent_again_from_a_chosen_one_on(
    store: Browser, page: Any, tell: Any, receiver: Receiver, sql: Any
) -> None:
    page("owner")
    store.log_in("shopper")
    store.post(
        "/logout",
        {"csrf_token": store.get("/shopping-cart").html.select_one("input[name=csrf_token]")["value"]},
    )
    assert tell() == 2
    shown = page("owner")
    assert states(shown)[:2] == ["delivered", "delivered"]
    buttons(shown)[1].submit(status=303)
    assert states(page("owner"))[:2] == ["waiting", "waiting"]
    assert tell() == 2
    assert ids(receiver) == [*ids(receiver)[:2]] * 2, "by the same ids, so that who has them drops them"
    [row] = sql("SELECT * FROM audit_log WHERE event = 'webhook_redelivered'")
    assert row["actor"] == "owner@harbour.example"
    assert f"msg_{row['detail']['seq']}" == ids(receiver)[0]


def test_a_failed_message_is_shown_and_can_be_tried_at_once(
    store: Browser, page: Any, tell: Any, receiver: Receiver
) -> None:
    page("owner")
    receiver.answers = [500]
    store.log_in("shopper")
    store.post(
        "/logout",
        {"csrf_token": store.get("/shopping-cart").html.select_one("input[name=csrf_token]")["value"]},
    )
    assert tell() == 0
    shown = page("owner")
    assert "Failed after 1 try: answered 500." in shown
    assert "2 messages wait" in shown
    assert states(shown)[:3] == ["waiting", "failing", "delivered"]
    assert tell() == 0, "it waits for its next try"
    buttons(shown)[0].submit(status=303)
    assert tell() == 2


def test_nothing_secret_and_no_button_for_who_may_not(page: Any, receiver: Receiver) -> None:
    shown = page("viewer")
    assert "127.0.0.1" in shown
    assert receiver.url not in shown
    assert not buttons(shown)
    assert "Webhooks" in shown.test_app.get("/audit").click("Webhooks")


@pytest.mark.parametrize("seq", ["", "0", "-1", "x", "9" * 30, str(2**63), "999999999", "1"])
def test_a_message_that_was_never_due_is_not_sent_again(page: Any, sql: Any, seq: str) -> None:
    csrf = page("owner").html.select_one("input[name=csrf_token]")["value"]
    sql("UPDATE webhook_endpoints SET since = seq")
    before = sql("SELECT * FROM webhook_endpoints")
    client = page("owner").test_app
    client.post("/webhooks/siem/redeliver", {"csrf_token": csrf, "seq": seq}, status=422)
    client.post("/webhooks/other/redeliver", {"csrf_token": csrf, "seq": "1"}, status=404)
    assert sql("SELECT * FROM webhook_endpoints") == before
    assert not sql("SELECT 1 AS one FROM audit_log WHERE event = 'webhook_redelivered'")
