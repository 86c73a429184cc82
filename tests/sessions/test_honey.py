"""Honey tokens: never served, told from nothing else, and loud."""

import json
from typing import Any

from click.testing import CliRunner
from http_helpers import REFRESH, SESSION, give
from support import Browser, url_of
from webtest import TestApp

from shopforum.cli import main
from shopforum.sessions import honey
from shopforum.sessions.audit import Client


def planted(apps: Any, place: str) -> tuple[str, str]:
    services = apps["admin"].services
    made, secret = honey.plant(services.db, services.sessions.config.secrets, place, "ann", Client())
    return str(made), secret


def used(sql: Any) -> list[Any]:
    return sql(
        "SELECT site, detail ->> 'place' AS place, host(address) AS address FROM audit_log WHERE event = 'honey_used' ORDER BY id"
    )


def answer(client: Browser, session_id: str, refresh: str = "") -> tuple[int, dict[str, str]]:
    client.cookiejar.clear()
    give(client, {SESSION: session_id, **({REFRESH: refresh} if refresh else {})})
    found = client.get("/shopping-cart", status="*")
    return found.status_int, {name: value for name, value in found.headers.items() if name == "Location"}


def test_a_cookie_of_a_leaked_jar_says_which(apps: Any, browser: Any, sql: Any):
    made, secret = planted(apps, "backup b2")
    _, other = planted(apps, "vault")
    thief = browser("store", "203.0.113.66")
    unknown = answer(thief, "x" * 43, "y" * 43)
    assert used(sql) == []
    assert answer(thief, secret) == answer(thief, secret, "y" * 43) == unknown
    assert used(sql) == [{"site": "store", "place": "backup b2", "address": "203.0.113.66"}] * 2
    # As a refresh token beside an invented session id, and at another site.
    answer(thief, "x" * 43, other)
    assert answer(browser("forums", "203.0.113.67"), other)
    assert [row["place"] for row in used(sql)] == ["backup b2", "backup b2", "vault", "vault"]
    assert sql("SELECT hits, host(last_address) AS address FROM honey_tokens ORDER BY place") == [
        {"hits": 2, "address": "203.0.113.66"},
        {"hits": 2, "address": "203.0.113.67"},
    ]
    # It is no session, and a flood leaves a few rows.
    assert sql("SELECT 1 FROM sessions") == []
    for _ in range(6):
        answer(thief, secret)
    assert len(used(sql)) == 6
    assert secret not in str(sql("SELECT * FROM honey_tokens")) + str(sql("SELECT * FROM audit_log"))
    admin = browser("admin")
    admin.log_in("owner")
    assert "somebody has read" in admin.get("/")
    page = admin.get("/honey")
    assert "8 times" in page
    assert "203.0.113.66" in page
    for form in page.forms.values():
        if form.action == f"/honey/{made}/retire":
            assert "honey_retired" in form.submit(status=303).location
            assert "honey_over" in form.submit(status=303).location
    answer(thief, secret)
    assert len(used(sql)) == 6
    assert sql("SELECT hits FROM honey_tokens WHERE place = 'backup b2'") == [{"hits": 8}]
    by = "SELECT DISTINCT event, initiating_entity AS by FROM audit_log WHERE event LIKE 'honey%' ORDER BY event"
    assert [row["by"] for row in sql(by)] == ["admin", "admin", "user"]
    dashboard = admin.get("/")
    assert "vault" in dashboard
    assert "backup b2" not in dashboard


def test_a_thief_who_tries_it_beside_real_cookies_is_noticed_too(
    apps: Any, browser: Any, store: Browser, sql: Any
):
    _, secret = planted(apps, "backup b2")
    store.log_in("shopper")
    own = {name: store.cookies[name] for name in (SESSION, REFRESH)}
    thief = browser("store", "203.0.113.66")
    # Beside the thief's own session id, and beside a refresh token that is real.
    answer(thief, own[SESSION], secret)
    answer(thief, secret, own[REFRESH])
    assert used(sql) == [{"site": "store", "place": "backup b2", "address": "203.0.113.66"}] * 2
    # A planted session id is no invented one.
    answer(thief, secret)
    assert sql("SELECT 1 FROM audit_log WHERE event = 'strict_session_violation'") == []
    assert store.get("/shopping-cart").status_int == 200


def test_an_api_token_too(apps: Any, browser: Any, sql: Any):
    admin = browser("admin")
    admin.log_in("owner")
    form = next(form for form in admin.get("/honey").forms.values() if form.action == "/honey")
    assert "say where you plant it" in form.submit(status=422)
    form["place"] = "CI secret"
    page = form.submit(status=200)
    [token] = [code.text for code in page.html.find_all("code") if code.text.startswith("sfa_")]
    client = TestApp(apps["admin"], extra_environ={"REMOTE_ADDR": "203.0.113.9", "wsgi.url_scheme": "https"})

    def call(given: str) -> Any:
        sent = {"Host": url_of("admin").partition("://")[2], "Authorization": f"Bearer {given}"}
        found = client.get("/api/v1/sessions", headers=sent, status=401)
        return {name: value for name, value in found.json.items() if name != "instance"}

    assert call(token) == call("sfa_" + "x" * 43)
    assert used(sql) == [{"site": "admin", "place": "CI secret", "address": "203.0.113.9"}]


def test_from_the_command_line(apps: Any, write_ini: Any, browser: Any, sql: Any):
    ini = write_ini()

    def run(*words: str, code: int = 0) -> str:
        found = CliRunner().invoke(main, ["honey", words[0], ini, *words[1:]], catch_exceptions=False)
        assert found.exit_code == code, found.output
        return found.stdout

    assert "None is planted yet" in run("list")
    made = json.loads(run("plant", "--place", "ticket 7", "--json"))
    answer(browser("store"), made["secret"])
    [row] = [json.loads(line) for line in run("list", "--json").splitlines()]
    assert (row["place"], row["state"], row["hits"]) == ("ticket 7", "presented", 1)
    run("plant", "--place", "  ", code=2)
    run("retire", made["id"][:8])
    run("retire", made["id"], code=1)
    assert [
        row["event"] for row in sql("SELECT event FROM audit_log WHERE detail ? 'honey' ORDER BY id")
    ] == [
        "honey_planted",
        "honey_used",
        "honey_retired",
    ]


def test_the_audit_log_names_an_admin_where_one_acts_and_retires_once(core: Any):
    keys, db = core.sessions.config.secrets, core.sessions.db
    made, secret = honey.plant(db, keys, "backup", "ann", Client())
    assert honey.note(db, keys, [None, secret], "store", Client("203.0.113.66"))
    assert not honey.note(db, keys, [None, ""], "store", Client())
    assert not honey.note(db, keys, ["x" * 43], "store", Client())
    assert honey.retire(db, made, "ann", Client())
    assert not honey.retire(db, made, "ben", Client())
    assert not honey.note(db, keys, [secret], "store", Client())
    rows = core.sql("SELECT event, initiating_entity AS who, actor FROM audit_log ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [
        ("honey_planted", "admin", "ann"),
        ("honey_used", "user", ""),
        ("honey_retired", "admin", "ann"),
    ]
    assert core.sql("SELECT hits, retired_by FROM honey_tokens") == [{"hits": 1, "retired_by": "ann"}]
