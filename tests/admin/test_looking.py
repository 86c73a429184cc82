"""Looking closely: flags and their dismissal, a session's story and fork, a person, exports and what is new."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from http_helpers import credentials
from page_forms import form_of
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from support import Browser

from shopforum.core.read_only_database import ReadOnlyDatabase, TooSlow
from shopforum.sessions.audit import Client, Event, write

Age = Callable[..., None]
Console = Callable[[str], Browser]
Age = Callable[..., None]
Started = Callable[..., Any]
OTHER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


@pytest.fixture
def stolen(started: Started, thief: Callable[..., Browser]) -> Any:
    """A session whose refresh token somebody has tried alone."""
    one = started()
    cookies = credentials(one.browser)
    thief("store", {"__Host-refresh": cookies["__Host-refresh"]}).get("/shopping-cart")
    return one


def test_a_flag_is_explained_and_dismissed_until_it_happens_again(
    console: Console, stolen: Any, thief: Callable[..., Browser]
):
    client = console("responder")
    page = client.get(f"/sessions/{stolen.id}")
    assert "Token alone, 1 time." in page
    events = page.click("Its events")
    assert "Refresh token came alone" in events
    form = form_of(page, f"/sessions/{stolen.id}/flags/refresh_without_session")
    assert "Say in a few words" in form.submit(status=422)
    form["text"] = "our own test"
    page = form.submit().follow()
    assert "The flag is dismissed. It comes back if it happens again" in page
    assert "“our own test”" in page
    assert str(stolen.id) not in client.get("/sessions?state=flagged")
    assert "⚑" not in client.get("/sessions")
    assert "Flag dismissed" in client.get("/audit?event=flag_dismissed")
    thief("store", {"__Host-refresh": credentials(stolen.browser)["__Host-refresh"]}).get("/shopping-cart")
    assert str(stolen.id) in client.get("/sessions?state=flagged")


def test_a_flag_that_is_not_there(console: Console, stolen: Any):
    client = console("responder")
    csrf = form_of(client.get("/sessions"), "/logout")["csrf_token"].value
    for path in (f"/sessions/{stolen.id}/flags/two_places", f"/sessions/{stolen.user_id}/flags/two_places"):
        client.post(path, {"csrf_token": csrf, "text": "x"}, status=404)


def test_the_fork_shows_who_held_the_cookies(
    console: Console, started: Started, thief: Callable[..., Browser]
):
    one = started()
    client = console("viewer")
    assert "Holders of its cookies" not in client.get(f"/sessions/{one.id}")
    other = thief("store", credentials(one.browser))
    other.extra_environ["HTTP_USER_AGENT"] = OTHER
    other.get("/shopping-cart")
    page = client.get(f"/sessions/{one.id}")
    assert "Holders of its cookies" in page
    assert "2 used pair 1, which another holder showed first" in page
    assert "Chrome 140 on Windows" in page
    assert "style=" not in page.text


def test_successors_that_nobody_has_shown_are_told_and_a_replay_says_what_each_copy_was(
    console: Console, started: Started, thief: Callable[..., Browser], sql: Any, later: Any
):
    one = started()
    client = console("viewer")
    other = thief("store", credentials(one.browser))
    other.extra_environ["HTTP_USER_AGENT"] = OTHER
    sql("UPDATE sessions SET due_at = now() WHERE id = :id RETURNING 1 AS one", id=one.id)
    stolen = dict(other.cookies)
    other.get("/shopping-cart")
    later(61)
    page = " ".join(client.get(f"/sessions/{one.id}").text.split())
    assert "Successors asked for and never shown, 1 time." in page
    assert "Pair 2, given for pair 1: asked for by 2, never shown" in page
    other.get("/shopping-cart")
    later(61)
    other.get("/shopping-cart")
    later(1)
    late = thief("store", stolen)
    late.extra_environ["HTTP_USER_AGENT"] = OTHER
    late.get("/shopping-cart", status=302)
    page = " ".join(client.get(f"/sessions/{one.id}").text.split())
    assert "Pair 1, replaced 1 min 2 s before, was shown by Chrome 140 on Windows at 203.0.113.66." in page
    assert "Pair 2 holds, last shown by Chrome 140 on Windows at 203.0.113.66." in page
    assert "probably a restored browser" in page


def test_the_timeline_has_rotations_and_timeouts_that_the_audit_log_lacks(
    console: Console, started: Started, sql: Any, idle_out: Callable[[], None]
):
    one = started()
    for _ in range(2):
        sql(
            "UPDATE sessions SET due_at = now() WHERE id = :id RETURNING 1 AS one",
            id=one.id,
        )
        one.browser.get("/shopping-cart")
        one.browser.get("/shopping-cart")
    idle_out()
    page = console("viewer").get(f"/sessions/{one.id}")
    assert "Session id rotated \u00d72" in page
    assert "Idle timeout" in page
    assert "Signed in" in page


def test_a_person_in_full(console: Console, started: Started):
    one, forums = started("member"), started("member", "forums")
    neighbour = started("shopper", address="192.0.2.1")
    page = console("viewer").get(f"/users/{one.user_id}")
    for words in (
        "Firefox 140 on Linux",
        "0 orders",
        "0 posts",
        "Sam Shore",
        "Signed in",
        str(forums.id)[:8],
    ):
        assert words in page, words
    assert f"/users/{neighbour.user_id}" in page, "who else was at that address"


def test_the_audit_log_as_csv_has_no_formula_and_the_export_is_in_the_audit_log(
    console: Console, started: Started, sql: Any
):
    started()
    client = console("viewer")
    with client.app.services.db.transaction() as connection:
        write(connection, Event("session_created", "store", Client(), actor="=HYPERLINK(1)"))
    answer = client.get("/audit?event=session_created").click("CSV")
    assert answer.content_type == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    assert answer.body.startswith(b"\xef\xbb\xbf"), "Excel takes it for UTF-8"
    rows = list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"))))
    assert {row["event"] for row in rows} == {"session_created"}
    assert "'=HYPERLINK(1)" in {row["actor"] for row in rows}
    assert all(row["at"].endswith("Z") for row in rows)
    (row,) = sql("SELECT actor, detail FROM audit_log WHERE event = 'trail_exported'")
    assert row["actor"] == "viewer@harbour.example"
    assert row["detail"] == {"filter": "event=session_created", "format": "csv"}


def test_sessions_as_json_lines_page_by_page(
    console: Console, started: Started, monkeypatch: pytest.MonkeyPatch, count_sql: Any
):
    ones = [started(who, address="192.0.2.1") for who in ("shopper", "member", "moderator")]
    monkeypatch.setattr("shopforum.core.listing._STEP", 1)
    client = console("viewer")
    answer = client.get("/sessions/export?site=store&format=jsonl")
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert [row["id"] for row in rows] == [str(one.id) for one in reversed(ones)]
    assert {row["state"] for row in rows} == {"active"}
    assert not any("hash" in name or "token" in name for name in rows[0])


@pytest.mark.parametrize(
    "path",
    ["/audit/export?format=xml", "/audit/export?session=1", "/sessions/export?ip=x", "/sessions/news?ip=x"],
)
def test_exports_that_are_refused(console: Console, path: str):
    console("viewer").get(path, status=422)


def test_how_many_are_new_without_staying_signed_in(console: Console, started: Started, sql: Any, age: Age):
    client = console("viewer")
    address = client.get("/sessions?site=store").html.find(attrs={"data-live": True})["data-live"]
    assert client.get(address).json["new"] == 0
    started()
    # The list that the page shows is as old as before.
    age("sessions.last_seen_at", 300, "site = 'admin'")
    answer = client.get(address, headers={"Purpose": "prefetch"})
    assert answer.json["new"] == 1
    assert len(answer.json["at"]) == len("12:03:11")
    assert sql(
        "SELECT 1 AS one FROM sessions WHERE site = 'admin' AND last_seen_at < now() - interval '4 minutes'"
    )


def test_the_head_of_the_chain_is_on_every_page(console: Console, sql: Any):
    mac = "0123456789abcdef" * 4
    sql(
        "SET LOCAL session_replication_role = replica; "
        "UPDATE audit_head SET seq = 18234, mac = decode(:mac, 'hex') RETURNING 1 AS one; ",
        mac=mac,
    )
    page = console("viewer").get("/audit")
    assert "Sealed to #18234" in page
    assert " ".join(["01234567", "89abcdef"] * 4) in page


def test_the_chart_leads_to_what_it_counts(console: Console, browser: Callable[..., Browser]):
    store = browser("store")
    page = store.get("/login")
    form = next(form for form in page.forms.values() if "password" in form.fields)
    form["email"], form["password"] = "nobody@mail.example", "wrong"
    form.submit(expect_errors=True)
    dashboard = console("viewer").get("/")
    link = next(
        a for a in dashboard.html.find("figure").find_all("a") if "any_failed_login&since" in a["href"]
    )
    assert "Login failed" in dashboard.goto(link["href"])


def test_the_statements_of_one_transaction_only_read_and_end_with_one_that_is_too_slow(apps: dict[str, Any]):
    db = ReadOnlyDatabase(apps["admin"].services.db, 200)
    with db.in_one_transaction() as opened:
        begun = [opened.only(text("SELECT transaction_timestamp() AS at"))["at"] for _ in range(2)]
        assert begun[0] == begun[1]
        with pytest.raises(RuntimeError, match="transaction of its own"):
            opened.within(100)
    with pytest.raises(DBAPIError, match="read-only"), db.in_one_transaction() as opened:
        opened.all(text("DELETE FROM revocations"))
    with pytest.raises(TooSlow), db.in_one_transaction() as opened:
        opened.all(text("SELECT pg_sleep(30)"))
    assert db.only(text("SELECT 1 AS one"))["one"] == 1


def test_the_flags_of_honest_browsers_are_dismissed_together(console: Console, started: Started, sql: Any):
    """After a mass end everybody who comes back raises a flag; one of them came from elsewhere."""
    ones = [started(who, address="192.0.2.7") for who in ("shopper", "member", "moderator")]
    ids = [one.id for one in ones]
    sql(
        """INSERT INTO session_flags (session_id, kind, last_address, last_agent)
        SELECT id, 'session_use_after_expire', CASE WHEN id = :thief THEN '203.0.113.9' ELSE last_address END, last_agent
        FROM sessions WHERE id = ANY (CAST(:ids AS uuid[]))""",
        ids=ids,
        thief=ids[2],
    )
    client = console("responder")
    page = client.get("/sessions?flag=session_use_after_expire").click("Dismiss these flags")
    own, everything = (f for f in page.forms.values() if f.action == "/sessions/dismiss")
    assert "Dismiss 2 flags" in page
    assert "Dismiss 3 flags" in page
    assert "Say in a few words" in own.submit(status=422)
    own["text"] = "they came back after INC-4711"
    assert "are dismissed" in own.submit(status=303).follow()
    left = "SELECT session_id FROM session_flags WHERE dismissed_at IS NULL"
    assert [row["session_id"] for row in sql(left)] == [ids[2]], "a thief's flag stays"
    [row] = sql("SELECT detail FROM audit_log WHERE event = 'flag_dismissed'")
    assert row["detail"]["count"] == 2
    assert set(row["detail"]["sessions"]) == {str(i) for i in ids[:2]}
    everything["text"] = "all the same"
    assert "Another number of flags matches now" in everything.submit(status=409)
    assert len(sql(left)) == 1
    for query in ("", "?filter=site%3Dstore", "?filter=flag%3Dquarantined", "?filter=ip%3Dx"):
        client.get(f"/sessions/dismiss{query}", status=422)
    assert "No flag is open" in client.get("/sessions/dismiss?filter=flag%3Dtwo_places")
