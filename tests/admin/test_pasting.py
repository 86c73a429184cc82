"""An id or a line of the log, pasted into a search for users, leads to the thing that it names."""

from collections.abc import Callable
from typing import Any

import pytest
from support import Browser

Started = Callable[..., Any]


@pytest.fixture
def client(console: Callable[[str], Browser]) -> Browser:
    return console("responder")


@pytest.mark.parametrize(
    "spelled", [str, lambda i: i.hex, lambda i: str(i)[:8], lambda i: str(i)[:13].upper()]
)
def test_a_session_by_its_id_or_the_beginning_of_it(
    client: Browser, started: Started, spelled: Callable[..., str]
):
    one = started()
    assert client.get("/sessions", {"user": spelled(one.id)}).location.endswith(f"/sessions/{one.id}")


def test_a_receipt_by_its_id(client: Browser, started: Started, sql: Any):
    one = started()
    one.browser.post(
        "/logout", {"csrf_token": one.browser.get("/").html.select_one("input[name=csrf_token]")["value"]}
    )
    (row,) = sql("SELECT id FROM revocations")
    assert client.get("/sessions", {"user": str(row["id"])}).location.endswith(f"/revocations/{row['id']}")


def test_a_user_by_the_beginning_of_their_id(client: Browser, started: Started):
    one = started("member", "forums")
    found = client.get("/sessions", {"user": str(one.user_id)[:8], "site": "forums"})
    assert found.location.endswith(f"/sessions?user={one.user_id}&site=forums")
    assert f"/sessions/{one.id}" in found.follow()


@pytest.mark.parametrize(
    ("pasted", "network"),
    [("192.0.2.7", "192.0.2.7"), ("192.0.2.0/24", "192.0.2.0%2F24"), ("2001:DB8::1", "2001%3ADB8%3A%3A1")],
)
def test_an_address_that_was_pasted_as_a_user(client: Browser, started: Started, pasted: str, network: str):
    started("shopper", "store", "192.0.2.7")
    found = client.get("/sessions", {"user": pasted, "state": "active"})
    assert found.location.endswith(f"/sessions?ip={network}&state=active")
    assert ("Sam Shore" in found.follow()) == pasted.startswith("192")


@pytest.mark.parametrize("typed", ["Sam", "deadbeef", "00000000-0000-0000-0000-000000000000", "f" * 40])
def test_a_text_that_names_nothing_stays_a_search_for_a_user(client: Browser, started: Started, typed: str):
    started()
    page = client.get("/sessions", {"user": typed}, status=200)
    assert ("Sam Shore" in page) == (typed == "Sam")
