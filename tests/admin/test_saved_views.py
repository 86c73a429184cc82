"""Saved views of the list of sessions: each admin's own, and columns to leave out."""

from collections.abc import Callable
from typing import Any

from page_forms import form_of
from support import Browser
from webtest import TestResponse

from shopforum.operations import saved_views


def send(page: TestResponse, action: str, status: int, **fields: str) -> TestResponse:
    form = form_of(page, action)
    for name, value in fields.items():
        form[name] = value
    return form.submit(status=status)


def tabs(page: TestResponse) -> dict[str, str]:
    """The tabs over the list that are no state, with their links; the current one is marked."""
    found = page.html.select(".tabs a")[6:]
    return {("*" if "aria-current" in a.attrs else "") + a.get_text(strip=True): a["href"] for a in found}


def columns(page: TestResponse) -> list[str]:
    return [cell.get_text(strip=True) for cell in page.html.select("thead th")]


def test_a_view_is_saved_shown_renamed_and_deleted(console: Callable[[str], Browser], sql: Any):
    mine, other = console("responder"), console("viewer")
    query = "site=admin&state=active&sort=seen&hide=device&hide=ends"
    listed = mine.get(f"/sessions?{query}&hide=state&hide=nothing")
    assert columns(listed) == ["User", "Site", "State", "Address", "Last seen", "Signed in", "Action"]
    [first] = listed.html.select("tbody tr")[:1]
    assert len(first.find_all(["td", "th"])) == 8

    asking = listed.click("Save this view")
    assert "site=admin&amp;state=active, sort=seen, without device, ends" in asking
    assert "Name: say what you call it." in send(asking, "/views", 422, name=" ")
    done = send(asking, "/views", 303, name="Console <now>").follow()
    assert "The view is saved" in done
    assert tabs(done) == {"*Console <now>": f"/sessions?{query}"}
    assert [a.get_text() for a in done.html.select(".tabs [aria-current]")] == ["Console <now>"]
    assert columns(done) == columns(listed)
    # Turning to another state or order keeps the columns.
    assert "hide=device&hide=ends" in done.html.select(".tabs a")[1]["href"]
    assert "hide=device&hide=ends" in done.html.find("th", string="User").a["href"]

    again = send(asking, "/views", 422, name="Console <now>")
    assert "another view of yours has this name" in again
    assert again.html.find("input", {"name": "name", "value": "Console <now>"}), "nothing typed is lost"
    send(asking, "/views", 303, name="Second")
    [first_id, second_id] = [row["id"] for row in sql("SELECT id FROM saved_views ORDER BY name")]
    page = mine.get("/views")
    refused = send(page, f"/views/{second_id}", 422, name="Console <now>")
    assert refused.html.find("input", id="name")["value"] == "Console <now>"
    assert "The view has its new name" in send(page, f"/views/{second_id}", 303, name="Third").follow()

    # Nobody else sees, renames or deletes them, and may give the same name.
    assert tabs(other.get("/sessions")) == {}
    send(other.get("/views?query=state%3Dactive"), "/views", 303, name="Third")
    token = other.get("/views").forms[0]["csrf_token"].value
    for path in (f"/views/{first_id}", f"/views/{first_id}/delete"):
        other.post(path, {"csrf_token": token, "name": "Mine"}, status=404)

    assert "No session was touched" in send(mine.get("/views"), f"/views/{first_id}/delete", 303).follow()
    assert list(tabs(mine.get("/sessions"))) == ["Third"]

    # A query that no list has made is not saved, nor is one view too many.
    token = mine.get("/views").forms[0]["csrf_token"].value
    for query in ("ip=nowhere", "since=x"):
        mine.post(
            "/views", {"csrf_token": token, "name": "x", "query": query}, status=400 if "ip" in query else 303
        )
    for n in range(saved_views.MOST - 2):
        mine.post("/views", {"csrf_token": token, "name": f"view {n}", "query": ""}, status=303)
    assert "Delete one first" in mine.post(
        "/views", {"csrf_token": token, "name": "y", "query": ""}, status=422
    )
