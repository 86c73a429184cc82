"""Ticks over the pages of a list: the form carries them, Back and Cancel keep them, and a user's page has them, too."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from page_forms import form_of
from support import Browser
from webtest import TestResponse

from shopforum.admin import selection

Console = Callable[[str], Browser]
CROWD = """INSERT INTO sessions (site, user_id, user_name, user_email, roles, created_at, authenticated_at, absolute_end,
    idle_end, last_seen_at)
  SELECT 'store', md5((n % 2)::text)::uuid, 'Ann', 'ann@mail.example', '{}', now() - n * interval '1 second', now(),
    now() + interval '1 day', now() + interval '1 hour', now() FROM generate_series(1, :many) n RETURNING id"""


def ticks(page: TestResponse) -> Any:
    return next(form for form in page.forms.values() if "data-selection" in form.html.find("form").attrs)


def turn(form: Any, name: str) -> TestResponse:
    """Press a page's button, as a browser without JavaScript does; `form` keeps its ticks."""
    form.action = form.html.find("button", string=name)["formaction"]
    return form.submit(status=303).follow()


def tick(form: Any, *rows: int) -> list[str]:
    boxes = [box for box in form.fields["session"] if hasattr(box, "checked")]
    for row in rows:
        boxes[row].checked = True
    return [boxes[row]._value for row in rows]


def test_ticks_stay_over_pages_without_a_script(console: Console, sql: Any):
    sql(CROWD, many=70)
    client = console("responder")
    form = ticks(client.get("/sessions?site=store&state=active"))
    first = tick(form, 2, 5)
    page = turn(form, "Older")
    assert "csrf" not in page.request.url
    assert "2 on other pages" in page
    form = ticks(page)
    second = tick(form, 0)
    page = turn(form, "Newer")
    assert "1 on other pages" in page
    boxes = page.html.find_all("input", {"name": "session", "checked": True})
    assert [box["value"] for box in boxes] == first
    assert page.request.GET["site"] == "store", "the filter stays"
    asked = ticks(page).submit(status=303).follow()
    assert "End 3 sessions" in asked
    wanted = {i["value"] for i in asked.html.find_all("input", {"name": "session"})}
    assert wanted == {*first, *second}
    back = asked.click("Cancel")
    kept = {i["value"] for i in back.html.find_all("input", {"name": "session"}) if i["type"] == "hidden"}
    kept |= {i["value"] for i in back.html.find_all("input", {"name": "session", "checked": True})}
    assert kept == wanted
    assert "on other pages" not in page.click("Untick them")


def test_more_than_an_address_holds_is_told(console: Console, sql: Any):
    ids = [str(row["id"]) for row in sql(CROWD, many=selection.MOST + 1)]
    client = console("responder")
    csrf = ticks(client.get("/sessions"))["csrf_token"].value
    fields = [("csrf_token", csrf), *(("session", i) for i in ids)]
    assert "Go back, where the ticks still are" in client.post("/sessions/select", fields, status=422)
    page = client.post("/sessions/select?user=ann&cursor=x", fields[:-1], status=303).follow()
    assert f"{selection.MOST - 30} on other pages" in page
    client.post("/sessions/select", {"csrf_token": csrf, "session": "x"}, status=400)
    viewer = console("viewer")
    csrf = viewer.get("/sessions").forms[0]["csrf_token"].value
    viewer.post("/sessions/select", {"csrf_token": csrf}, status=403)


@pytest.mark.parametrize("text", ["", ".", "x", "a" * 33, "0" * 32 + ".zz", "%00", "é"])
def test_ids_that_are_no_selection_are_ignored(text: str):
    assert selection.read(text) in ((), (UUID(int=0),))


def test_all_but_one_of_a_user(console: Console, started: Callable[..., Any], sql: Any):
    one, other, forums = started("member"), started("member"), started("member", "forums")
    stranger = started("shopper")
    client = console("responder")
    page = client.get(f"/users/{one.user_id}")
    assert "new device" in page
    assert len(re.findall("All but this…", page.text)) == 3
    asked = ticks(page).submit("keep", value=str(one.id)).follow()
    assert "End 2 sessions?" in asked
    form = form_of(asked, "/sessions/revoke")
    form["reason"] = "user_request"
    form.submit(status=303)
    ended = {row["id"] for row in sql("SELECT id FROM sessions WHERE ended_at IS NOT NULL")}
    assert ended == {other.id, forums.id}
    assert stranger.id not in ended
    page = client.get(f"/users/{one.user_id}")
    assert "no other session" in ticks(page).submit("keep", value=str(one.id)).follow(status=422)
    client.get(f"/sessions/revoke?keep={one.id}", status=400)


def test_a_row_says_who_used_it_last_and_who_signed_in(console: Console, started: Callable[..., Any]):
    one = started("shopper", address="192.0.2.5")
    thief = dict(one.browser.extra_environ, REMOTE_ADDR="203.0.113.9", HTTP_USER_AGENT="curl/8.14.1")
    one.browser.get("/shopping-cart", extra_environ=thief)
    row = console("viewer").get("/sessions?site=store").html.find("tbody").find("tr")
    device, address = (
        row.find("td", {"data-label": name}).get_text(" ", strip=True) for name in ("Device", "Address")
    )
    assert device == "curl 8 login: Firefox 140 on Linux new device"
    assert address == "203.0.113.9 +1 more: 2 places login: 192.0.2.5"


@pytest.mark.parametrize(
    ("sort", "column", "direction"),
    [
        ("", "Signed in", "descending"),
        ("oldest", "Signed in", "ascending"),
        ("seen", "Last seen", "descending"),
        ("user", "User", "ascending"),
    ],
)
def test_a_list_is_sorted_over_its_pages(console: Console, sql: Any, sort: str, column: str, direction: str):
    sql(CROWD, many=70)
    sql(
        "UPDATE sessions SET last_seen_at = now() - (random() * 99) * interval '1 minute', user_name = md5(id::text) RETURNING 1 AS one"
    )
    client = console("viewer")
    page = client.get(f"/sessions?site=store&state=active&sort={sort}")
    assert page.html.find("th", {"aria-sort": direction}).text == column
    found = []
    for _ in range(3):
        found += [a["href"].rpartition("/")[2] for a in page.html.find_all("a", string="Details")]
        page = page.click("Older") if page.html.find("a", string="Older") else page
    order = {"": "created_at DESC", "oldest": "created_at", "seen": "last_seen_at DESC", "user": "user_name"}[
        sort
    ]
    assert found == [
        str(row["id"]) for row in sql(f"SELECT id FROM sessions WHERE site = 'store' ORDER BY {order}")
    ]
    assert "sort=user" in page.html.select_one(".tabs a")["href"] or sort != "user"
    assert "Newest sign-in" in client.get("/sessions?sort=nonsense")
