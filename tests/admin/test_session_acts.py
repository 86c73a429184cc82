"""The acts of sessions: written with the act and without its content, an owner's beside a thief's, everywhere the same, and deleted in time."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from admin.test_incidents import ask_to_contain, begin, submit
from click.testing import CliRunner
from page_forms import form_of
from support import Browser, person, url_of
from webtest import TestApp

from shopforum.api_tokens import tokens
from shopforum.cli import main, session_page
from shopforum.core.read_only_database import ReadOnlyDatabase
from shopforum.operations import act_queries
from shopforum.sessions.acts import ActingSession, note
from shopforum.sessions.audit import Client
from shopforum.sessions.vocabulary import ActKind

Console = Callable[[str], Browser]
Started = Callable[..., Any]

PRODUCT = """INSERT INTO products (slug, name, category, summary, description, price_minor, tax_rate, stock)
    VALUES ('mug', 'Mug', 'kitchen', '', '', 100, 19, 50) RETURNING 1"""
STREET = "Harbour Lane 4"


def order(client: Browser, street: str = STREET) -> str:
    page = client.get("/products/mug")
    form_of(page, "/shopping-cart/items").submit()
    page = client.get("/checkout")
    form = next(form for form in page.forms.values() if "street" in form.fields)
    values = {
        "name": "Sam Shore",
        "street": street,
        "postal_code": "26121",
        "city": "Oldenburg",
        "country": "DE",
    }
    for name, value in values.items():
        form[name] = value
    return form.submit(status=303).location.partition("/orders/")[2].partition("?")[0]


def test_the_owners_acts_stand_beside_the_thiefs(
    console: Console, started: Started, apps: Any, sql: Any, write_ini: Any
):
    sql(PRODUCT)
    session = started("shopper", address="203.0.113.9")
    own = order(session.browser)
    again = order(session.browser)
    # The same cookies, from another network and browser, and to another address.
    thief = Browser(session.browser.app, url_of("store"), "198.51.100.66")
    thief.extra_environ["HTTP_USER_AGENT"] = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0.0.0"
    thief.cookiejar = session.browser.cookiejar
    stolen = order(thief, "Thieves Row 1")
    form_of(thief.get(f"/orders/{stolen}"), f"/orders/{stolen}/cancel").submit(status=303)
    json.loads(thief.get("/account/data.json").body)
    expected = [
        ("order_to_new_address", own, False),
        ("order_placed", again, False),
        ("order_to_new_address", stolen, True),
        ("order_cancelled", stolen, True),
        ("data_exported", "", True),
    ]
    client = console("responder")
    page = client.get(f"/sessions/{session.id}").click("See what was done on it")
    cells = [
        [cell.get_text(" ", strip=True) for cell in row.find_all("td")]
        for row in page.html.tbody.find_all("tr")
    ]
    assert cells[-1][0] == f"Order placed, to an address that no earlier order had: {own}"
    assert cells[0][1] == "Personal data exported"
    assert "198.51.100.66" in cells[0][2]
    assert STREET not in page
    assert "Thieves Row" not in page
    # The API and the command line have the same rows.
    services = apps["admin"].services
    maker = tokens.Actor("ada", Client())
    token = tokens.create(services.db, services.sessions.config.secrets, "r", ["sessions:read"], None, maker)[
        1
    ]
    sent = {"Host": url_of("admin").partition("://")[2], "Authorization": f"Bearer {token}"}
    api = TestApp(apps["admin"], extra_environ={"wsgi.url_scheme": "https"})

    def facts(rows: Any) -> list[tuple[str, str, bool]]:
        return [(row["kind"], row["reference"], row["elsewhere"]) for row in rows][::-1]

    path = f"/api/v1/sessions/{session.id}/acts"
    first = api.get(f"{path}?limit=3", headers=sent).json
    rest = api.get(f"{path}?limit=3&cursor={first['next']}", headers=sent).json
    assert facts([*first["acts"], *rest["acts"]]) == expected
    assert rest["next"] is None
    ini = write_ini()

    def run(*words: str) -> list[Any]:
        done = CliRunner().invoke(main, ["sessions", *words, "--json"], catch_exceptions=False)
        return [json.loads(line) for line in done.stdout.splitlines()]

    assert facts(run("acts", ini, str(session.id))) == expected
    rows = act_queries.of_session(session.id).all(ReadOnlyDatabase(services.db))
    assert session_page.acts(list(rows)).count("elsewhere") == 3
    # An incident has the acts of the sessions that it has ended: on its page, in its report, by API and command line.
    page = begin(client, ip="203.0.113.0/24").follow()
    assert "What was done on these sessions" not in page
    page = submit(ask_to_contain(page)).follow()
    assert "What was done on these sessions" in page
    assert own in page.click("All of it")
    lines = [json.loads(line) for line in client.get(f"{page.request.path}/report").text.splitlines()]
    assert facts([line for line in lines if "kind" in line]) == expected
    assert facts(api.get(f"/api/v1{page.request.path}/acts", headers=sent).json["acts"]) == expected
    assert facts(run("incident", "acts", ini, page.request.path.rpartition("/")[2])) == expected
    for missing in (f"/sessions/{uuid4()}/acts", f"/incidents/{uuid4()}/acts"):
        client.get(missing, status=404)
        api.get(f"/api/v1{missing}", headers=sent, status=404)


def test_posts_are_acts_without_their_text(browser: Callable[..., Browser], started: Started, sql: Any):
    sql("INSERT INTO forum_categories (slug, name, position) VALUES ('pans', 'Pans', 1) RETURNING 1")
    client = started("moderator", "forums").browser

    token = form_of(client.get("/posts"), "/logout")["csrf_token"].value

    def send(path: str, **fields: str) -> None:
        client.post(path, {"csrf_token": token, **fields}, status=303)

    send("/categories/pans/topics", title="Which pan?", body="Iron or steel?")
    [topic] = sql("SELECT id FROM forum_topics")
    [post] = sql("SELECT id FROM forum_posts")
    at = f"/posts/{post['id']}"
    send(at, body="Iron, steel or copper?")
    send(f"{at}/delete")
    send(f"{at}/restore")
    # An act that changes nothing leaves no row.
    send(f"{at}/restore")
    send(f"/topics/{topic['id']}/moderate", act="pin", reason="because")
    rows = sql("SELECT kind, reference, site, host(address) AS address FROM session_acts ORDER BY id")
    assert [(row["kind"], row["reference"]) for row in rows] == [
        ("topic_started", str(post["id"])),
        ("post_edited", str(post["id"])),
        ("post_removed", str(post["id"])),
        ("post_restored", str(post["id"])),
        ("moderated", str(topic["id"])),
    ]
    assert {(row["site"], row["address"]) for row in rows} == {("forums", "192.0.2.1")}
    assert [act["kind"] for act in json.loads(client.get("/account/data.json").body)["acts"]] == [
        *(row["kind"] for row in rows),
        "data_exported",
    ]


def test_an_admins_acts_come_from_the_audit_log(console: Console, started: Started, sql: Any):
    one = started("shopper", address="203.0.113.9")
    client = console("responder")
    page = begin(client, ip="203.0.113.0/24").follow()
    submit(ask_to_contain(page))
    [own] = sql("SELECT id FROM sessions WHERE site = 'admin'")
    page = client.get(f"/sessions/{own['id']}/acts")
    for what in ("Incident opened", "Deny rule added", "Sessions ended"):
        assert what in page, what
    # Not those of another time, nor of another admin.
    other = console("owner")
    [others] = sql("SELECT id FROM sessions WHERE site = 'admin' AND id <> :id", id=own["id"])
    assert "Nothing: no order" in other.get(f"/sessions/{others['id']}/acts")
    assert "Nothing: no order" in other.get(f"/sessions/{one.id}/acts")


@pytest.mark.parametrize(("days", "kept"), [(0, 0), (3, 1)])
def test_acts_are_kept_for_so_many_days(apps: Any, sql: Any, days: int, kept: int):
    by = ActingSession(uuid4(), UUID(person("shopper").id), "store", Client("192.0.2.1"), days)
    note(apps["store"].services.db, by, ActKind.DATA_EXPORTED)
    rows = sql(
        "SELECT expires_at > at + interval '2 days' AND expires_at < at + interval '4 days' AS good FROM session_acts"
    )
    assert [row["good"] for row in rows] == [True] * kept
