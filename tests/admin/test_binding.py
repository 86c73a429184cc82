"""Bound sessions are shown: by the console, the API, the command line, and the owner's page."""

import json

import pytest
from click.testing import CliRunner
from device_client import BOUND, DeviceClient

from shopforum.cli import main


@pytest.fixture
def three(browser, sql):
    """Sessions of a shopper: one bound, one whose browser may still bind it, one that it has not bound. By binding."""
    clients = {"bound": browser("store"), "offered": browser("store"), "unbound": browser("store")}
    DeviceClient(clients["bound"]).log_in("shopper")
    for name in ("offered", "unbound"):
        clients[name].log_in("shopper", status=302)
    rows = sql("SELECT id FROM sessions ORDER BY created_at")
    ids = dict(zip(clients, (str(row["id"]) for row in rows), strict=True))
    sql("UPDATE sessions SET bindable_until = now() WHERE id = :id", id=ids["unbound"])
    return clients, ids


@pytest.fixture
def console(admin):
    admin.log_in("responder")
    return admin


def text_of(page):
    """The page's text, with single spaces."""
    return " ".join(page.html.get_text(" ").split())


@pytest.mark.parametrize("binding", ["bound", "offered", "unbound"])
def test_console_api_and_command_line_filter_by_binding_alike(
    three, console, browser, write_ini, apps, binding
):
    _, ids = three
    listed = console.get(f"/sessions?site=store&binding={binding}")
    assert [name for name, each in ids.items() if f"/sessions/{each}" in listed] == [binding]
    exported = console.get(f"/sessions/export?site=store&binding={binding}&format=jsonl")
    [row] = map(json.loads, exported.text.splitlines())
    assert (row["id"], row["binding"]) == (ids[binding], binding)
    assert (row["bound_at"] is not None) == (binding == "bound")
    ini = write_ini()
    made = CliRunner().invoke(
        main, ["token", "create", ini, "--name", "t", "--scope", "sessions:read", "--json"]
    )
    bearer = {"Authorization": f"Bearer {json.loads(made.stdout)['token']}"}
    answer = browser("admin").get(f"/api/v1/sessions?site=store&binding={binding}", headers=bearer).json
    assert [(each["id"], each["binding"]) for each in answer["sessions"]] == [(ids[binding], binding)]
    command = ["sessions", "list", ini, "--site", "store", "--binding", binding, "--json"]
    [line] = CliRunner().invoke(main, command, catch_exceptions=False).stdout.splitlines()
    assert json.loads(line)["id"] == ids[binding]


def test_the_console_shows_the_key_and_its_use(three, console, sql):
    _, ids = three
    shown = text_of(console.get(f"/sessions/{ids['bound']}"))
    assert "Device key Bound" in shown
    assert "(ES256), proved 1 time" in shown
    assert "Its cookies are good until" in shown
    assert "Skipped" not in shown
    sql("UPDATE session_keys SET skipped_reason = 'quota_exceeded', skipped_at = now()")
    shown = text_of(console.get(f"/sessions/{ids['bound']}"))
    assert "Skipped a proof" in shown
    assert "it had signed too often in the minutes before" in shown
    offered = text_of(console.get(f"/sessions/{ids['offered']}"))
    assert "Device key Offered" in offered
    assert "it is served without one" in offered
    assert "Device key Not bound" in text_of(console.get(f"/sessions/{ids['unbound']}"))


def test_the_user_s_page_says_which_sessions_are_bound(three, console, sql):
    """As the lists do: a badge beside the state of each bound session, where no long name of a browser cuts it off."""
    _, ids = three
    [row] = sql("SELECT DISTINCT user_id FROM sessions WHERE site = 'store'")
    page = console.get(f"/users/{row['user_id']}")
    badges = {
        name: [
            badge.text
            for badge in page.html.find(href=f"/sessions/{each}")
            .find_parent("tr")
            .select("[data-label=State] .badge")
        ]
        for name, each in ids.items()
    }
    assert {name: "Bound" in found for name, found in badges.items()} == {
        "bound": True,
        "offered": False,
        "unbound": False,
    }


def test_the_console_shows_who_came_without_the_key(three, console):
    clients, ids = three
    thief = clients["bound"]
    del thief.cookiejar._cookies["store.test"]["/"][BOUND]
    assert "why=without_key" in thief.get("/orders", status=302).location
    assert "Without its key, 1 time" in text_of(console.get(f"/sessions/{ids['bound']}"))


def test_explain_says_why_a_bound_session_was_refused(three, console):
    """In words of its own, once a request: it was neither ended, nor is it a mere note."""
    clients, ids = three
    client = DeviceClient(clients["bound"])
    client.post("/dbsc/register", Secure_Session_Response=client.device.registration("c" * 43))
    del client.browser.cookiejar._cookies["store.test"]["/"][BOUND]
    refused = client.browser.get("/orders", status=302).headers["X-Request-ID"]
    page = console.get(f"/explain?id={ids['bound']}")
    assert "Refused: key or proof refused. " in page
    assert "The session has a key already." in page
    assert "✓ With its device key" in text_of(page)
    page = console.get(f"/explain?id={refused}")
    assert page.text.count("Refused: ") == 1
    assert "Refused: the session is bound to a device, and the request brought no proof" in page
    assert "With its device key" not in console.get(f"/explain?id={ids['unbound']}")


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("without_key_quota", "its browser said why: it had signed too often"),
        ("without_key_server", "its browser said why: our answer was an error"),
        ("without_key_network", "its browser said why: it could not reach us"),
        ("not_bound", "only sessions that are bound to a device"),
    ],
)
def test_explain_says_what_the_browser_said(three, console, sql, why, said):
    _, ids = three
    sql(
        "INSERT INTO refused_requests (session_id, site, why) VALUES (:id, 'store', :why) RETURNING id",
        id=ids["bound"],
        why=why,
    )
    page = console.get(f"/explain?id={ids['bound']}")
    assert said in page
    assert "had ended before" not in page


def test_the_dashboard_shows_the_share_of_bound_sessions(three, console, sql):
    assert "Harbour Store 1 of 3, 33 %" in text_of(console.get("/"))
    sql(
        "UPDATE sessions SET ended_at = now(), end_reason = 'logout' WHERE site = 'store' AND bound_at IS NULL"
    )
    assert "Harbour Store 1 of 1, 100 %" in text_of(console.get("/"))


def test_the_owner_reads_which_device_protects_the_login(three):
    clients, ids = three
    page = clients["offered"].get("/account/sessions")
    protected = {
        name: "Protected by its device" in page.html.find(id=f"device-{each}").text
        for name, each in ids.items()
    }
    assert protected == {"bound": True, "offered": False, "unbound": False}
    own = clients["bound"].get("/account/sessions").html.find(id=f"device-{ids['bound']}")
    assert "Protected by this device" in own.text
