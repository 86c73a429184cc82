"""The pages as people see them, with the sample data and with none."""

import random
import re
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from page_forms import form_of
from sqlalchemy import text
from support import Browser

from shopforum.dev.sample import sessions as sample
from shopforum.sessions.audit import Client, Event, write

Console = Callable[[str], Browser]


@pytest.fixture
def client(console: Console, apps: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Browser:
    """An owner before some of the sample sessions."""
    monkeypatch.setattr(sample, "COUNT", 500)
    with apps["admin"].services.db.transaction() as connection:
        users = [(uuid.uuid4(), f"Ada{n} Anchor", f"ada{n}@mail.example") for n in range(40)]
        sample.seed(connection, users, random.Random(5))
    return console("owner")


def links(page: Any, start: str) -> list[str]:
    return sorted(set(re.findall(rf'href="({re.escape(start)}[0-9a-f-]{{36}})"', page.text)))


def test_every_page_that_another_leads_to(client: Browser):
    """Follow the first links of each kind from page to page: all answer, and none shows what is secret."""
    seen: set[str] = set()
    todo = ["/", "/sessions", "/revocations", "/audit", "/revoke-everyone"]
    todo += [f"/sessions?state={state}" for state in ("active", "dormant", "flagged", "revoked", "expired")]
    kinds = dict.fromkeys(("/sessions/", "/users/", "/revocations/"), 4)
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        page = client.get(path, status=200)
        assert page.html.h1, path
        assert page.html.title.string.strip(), path
        assert len(page.body) < 100_000, path
        assert not re.search(r"\\\\x[0-9a-f]{2}|<memory|__Host-", page.text), path
        for start in kinds:
            new = [link for link in links(page, start) if link not in seen][: kinds[start]]
            kinds[start] -= len(new)
            todo += new
        for query in re.findall(r'href="(/sessions\?[^"]+)"', page.text)[:2]:
            client.get(query.replace("&amp;", "&"), status=200)
    assert len(seen) > 15


def test_titles_differ(client: Browser):
    paths = ["/", "/sessions", "/sessions?state=flagged", "/revocations", "/audit", "/revoke-everyone"]
    titles = [client.get(path).html.title.string for path in paths]
    assert len(set(titles)) == len(titles)


def turn(page: Any, name: str) -> Any:
    form = form_of(page, "/sessions/revoke")
    form.action = form.html.find("button", string=name)["formaction"]
    return form.submit(status=303).follow()


def test_pages_go_there_and_back(client: Browser):
    first = client.get("/sessions?site=store")
    second = turn(first, "Older")
    back = turn(second, "Newer")
    assert links(first, "/sessions/") == links(back, "/sessions/")
    assert not set(links(first, "/sessions/")) & set(links(second, "/sessions/"))


def test_the_dashboard_names_both_attacks(client: Browser):
    newest = "(SELECT max(id) FROM revocation_outbox)"
    client.app.services.db.all(
        text(f"UPDATE revocation_outbox SET done_at = NULL, last_error = 'away' WHERE id = {newest}")
    )
    page = client.get("/")
    for words in (
        "Stolen refresh token",
        "Stolen session id",
        "tries blocked",
        "has not confirmed",
        "24 hours",
    ):
        assert words in page
    assert page.html.find("figure", class_="chart").find("table"), "the chart's twin"
    flagged = client.get("/sessions?flag=refresh_without_session")
    assert "Token alone" in flagged


def test_few_statements_a_page(
    client: Browser, count_sql: Callable[[Browser], AbstractContextManager[list[str]]]
):
    for path, most in (
        ("/", 10),
        ("/sessions?state=active&site=store", 6),
        ("/revocations", 4),
        ("/audit", 3),
    ):
        client.get(path)
        with count_sql(client) as statements:
            client.get(path)
        queries = [statement for statement in statements if "set_config(" not in statement]
        assert len(queries) <= most, (path, queries)


def test_an_empty_console(console: Console, sql: Any):
    client = console("owner")
    for path in (
        "/",
        "/revocations",
        "/sessions?state=dormant",
        "/audit?event=authz_fail",
        "/revoke-everyone",
    ):
        client.get(path, status=200)
    assert "No session matches" in client.get("/sessions?user=nobody")
    assert "Nothing was revoked" in client.get("/revocations")


def test_unknown_ids_are_not_found(console: Console):
    client = console("viewer")
    for page in ("/sessions", "/users", "/revocations"):
        for key in ("1", "x" * 300, "%00", "..", "'", str(uuid.uuid4()), "%F0%9F%92%A3", "a/b"):
            answer = client.get(f"{page}/{key}", expect_errors=True)
            assert answer.status_int in (400, 404), (page, key)


def test_odd_queries(console: Console):
    client = console("viewer")
    for query, status in (
        ("cursor=junk", 200),
        ("cursor=WyJvbGRlciIsMV0", 200),
        ("state=&user=&ip=", 200),
        ("user=" + "%25" * 80, 200),
        ("user=%F0%9F%92%A3&device=%E2%80%AE", 200),
        ("ip=::/0&state=expired", 200),
        ("ip=1.2.3.4&ip=5.6.7.8", 200),
        ("created_after=2026-02-30", 422),
        ("state=asleep", 422),
        ("user=%00", 400),
    ):
        answer = client.get(f"/sessions?{query}", status=status)
        assert status == 400 or "<h1>Sessions</h1>" in answer


def test_typed_markup_is_shown_as_text(console: Console, apps: dict[str, Any], started: Callable[..., Any]):
    evil = "<script>alert(1)</script>\"'><img src=x>"
    one = started()
    with apps["admin"].services.db.transaction() as connection:
        connection.execute(
            text(
                "UPDATE sessions SET user_name = :e, user_email = :e, agent = :e, last_agent = :e WHERE id = :id"
            ),
            {"e": evil, "id": one.id},
        )
        connection.execute(text("UPDATE session_places SET agent = :e"), {"e": evil})
        write(
            connection, Event("session_renewed", "store", Client(agent=evil), actor=evil, session_id=one.id)
        )
        write(connection, Event(evil, evil, Client(agent=evil), actor=evil, user_id=one.user_id))
    client = console("responder")
    csrf = client.get("/sessions").forms[0]["csrf_token"].value if client.get("/sessions").forms else ""
    fields = {"csrf_token": csrf, "session": str(one.id), "reason": evil, "text": evil, "user_text": evil}
    receipt = client.post("/sessions/revoke", fields, status=303).location
    for path in ("/", "/sessions", f"/sessions/{one.id}", f"/users/{one.user_id}", "/audit", receipt):
        page = client.get(path)
        assert "<script>alert" not in page.text, path
        assert "<img src=x" not in page.text, path
        assert "&lt;script&gt;alert" in page.text, path


def test_a_second_place_is_marked(console: Console, apps: dict[str, Any], started: Callable[..., Any]):
    one = started("shopper", address="192.0.2.5")
    own = one.browser.extra_environ
    updated = dict(
        own, REMOTE_ADDR="192.0.2.6", HTTP_USER_AGENT=own["HTTP_USER_AGENT"].replace("140.0", "141.0")
    )
    thief = dict(own, REMOTE_ADDR="203.0.113.9", HTTP_USER_AGENT="curl/8.14.1")
    for environ in (updated, thief):
        assert one.browser.get("/shopping-cart", extra_environ=environ).status_int == 200
    page = console("viewer").get(f"/sessions/{one.id}")
    assert "second place" in page
    assert "203.0.113.9" in page
    # An update in the same network is another place of the same holder.
    badges = page.html.select("section[aria-labelledby=places] .badge")
    assert [badge.text for badge in badges].count("other browser") == 1
    assert [text.text for text in page.html.select("svg text[x='4']")] == ["1", "2"]
    assert "3 places" in console("viewer").get("/sessions?ip=203.0.113.0/24")
