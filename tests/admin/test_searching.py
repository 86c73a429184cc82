"""Searches of the audit log and of the revocations, and the files of a receipt."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from page_forms import form_of
from support import Browser

Console = Callable[[str], Browser]


@pytest.fixture
def act(console: Console, started: Callable[..., Any]) -> Any:
    """A responder who has ended two sessions of two people, and the receipt's path."""
    ones = started("shopper", address="192.0.2.9"), started("member", "forums")
    client = console("responder")
    page = client.get("/sessions/revoke?" + "&".join(f"session={one.id}" for one in ones))
    form = form_of(page, "/sessions/revoke")
    form["reason"], form["text"] = "incident", "INC-4711: seen by the guard, 100%"
    return client, form.submit(status=303).location.partition("?")[0]


def events(page: Any) -> list[str]:
    body = page.html.find("tbody")
    return [row.find("th").find("span")["title"] for row in body.find_all("tr")] if body else []


AUDIT_SEARCHES = [
    ("note=inc-4711", ["authn_token_revoked"]),
    ("note=100%25", ["authn_token_revoked"]),
    ("note=1_0", []),
    ("note=INC-4712", []),
    ("user=shopper@harbour.example&event=session_created", ["session_created"]),
    ("user=Sam+Sh&event=session_created", ["session_created"]),
    ("user=nobody", []),
    ("actor=responder@harbour.example&event=authn_token_revoked", ["authn_token_revoked"]),
    ("actor=RESPONDER&event=authn_token_revoked", ["authn_token_revoked"]),
    ("actor=nobody", []),
    ("ip=192.0.2.9&event=session_created", ["session_created"]),
    ("ip=192.0.2.0/28&event=session_created", ["session_created"] * 2),
    ("ip=198.51.100.1", []),
]


@pytest.mark.usefixtures("act")
def test_the_audit_log_is_searched_by_person_actor_address_and_words(console: Console):
    client = console("viewer")
    for query, found in AUDIT_SEARCHES:
        assert events(client.get(f"/audit?{query}")) == found, query


def test_a_request_is_found_by_its_id(act: Any, sql: Any):
    client, _ = act
    [row] = sql("SELECT request_id FROM audit_log WHERE event = 'authn_token_revoked'")
    assert "authn_token_revoked" in events(client.get(f"/audit?request={row['request_id']}"))
    assert events(client.get("/audit?request=none")) == []


def test_more_ids_than_a_row_names_lead_to_all_of_them(act: Any, sql: Any):
    client, receipt = act
    sql(
        """SET LOCAL session_replication_role = replica;
        UPDATE audit_log SET detail = detail || '{"count": 6291}' WHERE event = 'authn_token_revoked'
        RETURNING 1 AS one"""
    )
    page = client.get("/audit?event=authn_token_revoked")
    assert "and 6,286 more" in page
    assert page.html.find("a", string="all of them")["href"] == f"{receipt}#sessions"


REVOCATION_SEARCHES = [
    ("", 1),
    ("note=4711", 1),
    ("note=4712", 0),
    ("user=shopper@harbour.example", 1),
    ("user=mia+m", 1),
    ("user=nobody", 0),
    ("reason=incident&actor=respon", 1),
    ("reason=test", 0),
    ("since=2026-01-01&until=2026-01-02", 0),
]


def test_revocations_are_searched(act: Any):
    client, receipt = act
    for query, found in REVOCATION_SEARCHES:
        page = client.get(f"/revocations?{query}")
        assert len(page.html.select("tbody tr")) == found, query
        assert (receipt in page) == bool(found), query
    client.get("/revocations?since=somewhen", status=422)


def test_a_receipt_is_exported_and_names_whom_to_notify(act: Any, sql: Any):
    client, receipt = act
    page = client.get(receipt)
    people = page.click("CSV", index=1)
    assert people.body.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(people.body.decode("utf-8-sig"))))
    assert {(row["user_email"], row["sites"], row["sessions"]) for row in rows} == {
        ("shopper@harbour.example", "store", "1"),
        ("member@harbour.example", "forums", "1"),
    }
    assert len(page.click("JSON lines", index=0).text.splitlines()) == 2
    told = [
        row["detail"]["filter"]
        for row in sql("SELECT detail FROM audit_log WHERE event LIKE '%export%' ORDER BY id")
    ]
    assert told == [
        f"people of revocation={receipt.rpartition('/')[2]}",
        f"revocation={receipt.rpartition('/')[2]}",
    ]
    for path in ("export", "people"):
        client.get(f"/revocations/{'0' * 8}-0000-4000-8000-{'0' * 12}/{path}", status=404)


ONLY_HITS = [
    ("shopper@harbour.example", "/users/{shopper}"),
    ("Sam Sh", "/users/{shopper}"),
    ("{shopper}", "/users/{shopper}"),
    ("{session}", "/sessions/{session}"),
    ("{short}", "/sessions/{session}"),
    ("{receipt}", "/revocations/{receipt}"),
    ("inc-4711", "/revocations/{receipt}"),
    ("{request}", "/audit?request={request}"),
    ("Firefox 140", "/sessions?device=Firefox+140"),
]


def test_one_box_goes_straight_to_the_only_hit(act: Any, sql: Any):
    client, receipt = act
    [row] = sql("SELECT id, user_id FROM sessions WHERE user_email = 'shopper@harbour.example'")
    [told] = sql("SELECT request_id FROM audit_log WHERE event = 'authn_token_revoked'")
    names = {
        "shopper": row["user_id"],
        "session": row["id"],
        "short": str(row["id"])[:8],
        "receipt": receipt.rpartition("/")[2],
        "request": told["request_id"],
    }
    for text, path in ONLY_HITS:
        hit = client.get("/search", {"q": text.format(**names)}, status=303)
        assert hit.location == path.format(**names), text


def test_several_hits_are_listed_and_none_is_said(act: Any, browser: Callable[..., Browser]):
    client, _ = act
    page = client.get("/search?q=192.0.2.9")
    assert {a["href"] for a in page.html.select("tbody a")} == {
        "/sessions?ip=192.0.2.9",
        "/audit?ip=192.0.2.9",
    }
    assert "Nothing is called" in client.get("/search?q=nobody+here")
    assert "Nothing is called" not in client.get("/search?q=+")
    for odd in ("%25", "\\", "<script>", "a" * 500, "é" * 200, "::/0", "1.2.3.4/33"):
        assert client.get("/search", {"q": odd}).status_int in (200, 303), odd
    form = next(form for form in client.get("/audit").forms.values() if form.action == "/search")
    form["q"] = "4711"
    assert "Receipt" in form.submit().follow()
    assert 'action="/search"' not in browser("admin").get("/login")
