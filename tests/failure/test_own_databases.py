"""The store and the forums with databases of their own beside that of the sessions: three databases of one server."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import pytest
from click.testing import CliRunner
from product_fixtures import Catalogue, forms, put
from sqlalchemy import event, text
from support import Browser, checked, person, url_of

import shopforum
from shopforum.cli import main
from shopforum.cli.worker_metrics import RELAYED, DatabaseCollector
from shopforum.core import migrations, relay
from shopforum.core.database import Database
from shopforum.core.databases import PARTS
from shopforum.core.settings import SettingsError
from shopforum.core.sites import SITES
from shopforum.forums import links, writing
from shopforum.forums.person import Person
from shopforum.forums.settings import ForumSettings
from shopforum.sessions import Reason, deny_rules
from shopforum.sessions.audit import Client
from shopforum.sessions.deny_rules import NewRule

SHOPPER, MEMBER = person("shopper"), person("member")
QUICK = ForumSettings(post_delay=0, newcomer_delay=0)


@pytest.fixture(scope="module")
def urls(server: Any, worker_id: str) -> Iterator[dict[str, str]]:
    """The settings of a site, which name the two databases."""
    names = {part: f"own_{part}_{worker_id}" for part in ("store", "forums")}
    yield {PARTS[part]: server.create(name, template="template_shopforum") for part, name in names.items()}
    for name in names.values():
        server.drop(name)


@pytest.fixture(scope="module")
def _apart(settings: Any, urls: dict[str, str], tmp_path_factory: Any) -> Iterator[dict[str, Any]]:
    mail = {"mail.folder": str(tmp_path_factory.mktemp("mail"))}
    apps = {site: shopforum.main({}, **settings(site), **urls, **mail) for site in SITES}
    apps["forums"].services.objects[ForumSettings] = QUICK
    yield apps
    for app in apps.values():
        for database in app.services.databases.all:
            database.engine.dispose()


@pytest.fixture
def apart(apps: Any, _apart: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The three sites over three databases, without a row in them."""
    yield _apart
    for database in _apart["admin"].services.databases.apart.values():
        for name, rows in filled(database).items():
            assert rows
            database.all(text(f"TRUNCATE {name} CASCADE"))


@pytest.fixture
def client(apart: dict[str, Any]) -> Callable[..., Browser]:
    return lambda site, who=None: _client(apart, site, who)


def _client(apart: dict[str, Any], site: str, who: Any) -> Browser:
    browser = Browser(apart[site], url_of(site))
    if who:
        browser.log_in(who)
    return browser


@pytest.fixture
def databases(apart: dict[str, Any]) -> Any:
    return apart["admin"].services.databases


@pytest.fixture
def ini(apart: Any, write_ini: Any, urls: dict[str, str], tmp_path: Path) -> str:
    return write_ini(**urls, **{"mail.folder": str(tmp_path / "sent")})


def filled(database: Database) -> dict[str, int]:
    """The tables with rows, but for those that every database has."""
    names = [
        row["relname"]
        for row in database.all(
            text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        )
    ]
    everywhere = {"alembic_version", "audit_head", "revocation_counter", "processes"}
    counted = " UNION ALL ".join(
        f"SELECT '{name}' AS name, count(*) AS n FROM {name}" for name in names if name not in everywhere
    )
    return {row["name"]: row["n"] for row in database.all(text(counted)) if row["n"]}


def buy(browser: Browser) -> str:
    """Order a mug; return the order's number."""
    put(browser, "stoneware-mug")
    form = forms(browser.get("/checkout"), "/checkout")[0]
    for name, value in {"name": "Sam", "street": "Lane 4", "postal_code": "26121", "city": "Emden"}.items():
        form[name] = value
    form["country"] = "DE"
    return form.submit(status=303).location.partition("?")[0].rpartition("/")[2]


def work(ini: str) -> None:
    """Let the worker do what is due."""
    done = CliRunner().invoke(main, ["worker", ini, "--once"], catch_exceptions=False)
    assert done.exit_code == 0, done.output


def test_each_database_holds_its_part_and_nothing_else(
    client: Any, databases: Any, ini: str, tmp_path: Path
) -> None:
    Catalogue(databases.of("store")).fill()
    forums = databases.of("forums")
    forums.all(text("INSERT INTO forum_categories (slug, name, position) VALUES ('pans', 'Pans', 1)"))
    shopper, member = client("store", SHOPPER), client("forums", MEMBER)
    number = buy(shopper)
    mia = Person(UUID(MEMBER.id), "Mia Marsh")
    topic = writing.start_topic(forums, "pans", mia, "Which pan?", "An iron one?", QUICK)
    page = member.get(links.topic(topic.topic_id, topic.title))
    reply = next(form for form in page.forms.values() if form.action.startswith("/topics/"))
    reply["body"] = "Iron, I should say."
    reply.submit(status=303)
    # The act and its letter are where they were committed, until the worker moves them.
    assert filled(databases.of("store")).keys() >= {"orders", "session_acts", "outgoing_mail"}
    work(ini)
    owns = {part: filled(databases.of(part)) for part in ("store", "forums")}
    assert {name.partition("_")[0] for name in owns["forums"]} == {"forum"}
    assert owns["store"].keys() == {"products", "carts", "cart_lines", "orders", "order_lines"}
    shared = filled(databases.sessions)
    assert not shared.keys() & {*owns["store"], *owns["forums"]}
    assert shared.keys() >= {"sessions", "audit_log", "session_acts"}
    acts = databases.sessions.all(text("SELECT kind, reference FROM session_acts ORDER BY kind"))
    assert [row["kind"] for row in acts] == ["order_to_new_address", "post_written"]
    assert acts[0]["reference"] == number
    assert any("We have your order" in file.read_text() for file in (tmp_path / "sent").iterdir())
    data = json.loads(shopper.get("/account/data.json").body)
    assert [order["number"] for order in data["orders"]] == [number]
    assert len(data["acts"]) == 2, "the order, and this file"


def test_a_revocation_and_a_deletion_reach_all_three(client: Any, databases: Any, ini: str) -> None:
    Catalogue(databases.of("store")).fill()
    shopper, owner = client("store", SHOPPER), client("admin", "owner")
    buy(shopper)
    put(shopper, "linen-notebook")
    assert "1 order on the store, no posts" in " ".join(
        owner.get(f"/users/{SHOPPER.id}").text.split()
    ).replace("0 posts", "no posts")
    asked = shopper.get("/account/delete/confirm")
    next(form for form in asked.forms.values() if form.action == "/account/delete/confirm").submit(status=303)
    assert "/login" in shopper.get("/orders", status=302).location
    databases.sessions.all(
        text(
            "UPDATE account_deletions SET due_at = now() - interval '1 s', next_try_at = now() - interval '1 s'"
        )
    )
    work(ini)
    assert databases.of("store").all(text("SELECT user_id FROM carts WHERE closed_at IS NULL")) == []
    [order] = databases.of("store").all(text("SELECT user_id FROM orders"))
    assert databases.sessions.all(text("SELECT 1 FROM account_deletions WHERE done_at IS NULL")) == []
    assert order["user_id"] == UUID(SHOPPER.id), "an order is kept, as the law wants"


def test_the_forums_read_security_notices_and_rules_where_the_sessions_are(
    client: Any, databases: Any
) -> None:
    forums, sessions = databases.of("forums"), databases.sessions
    forums.all(text("INSERT INTO forum_categories (slug, name, position) VALUES ('pans', 'Pans', 1)"))
    ann = Person(uuid4(), "Ann")
    topic = writing.start_topic(forums, "pans", ann, "Which pan?", "An iron one?", QUICK)
    member, moderator = client("forums", MEMBER), client("forums", "moderator")
    client("forums", MEMBER)
    page = member.get("/inbox")
    assert "Somebody logged in to your account from a new device" in page
    assert member.get("/").html.select_one('a[href="/inbox"]').text.split() == ["Inbox", "1"]
    next(form for form in page.forms.values() if form.action == "/inbox/read").submit(status=303)
    assert member.get("/").html.select_one('a[href="/inbox"]').text.split() == ["Inbox"]
    address = links.topic(topic.topic_id, topic.title)
    assert "Suspended" not in moderator.get(address)
    rule = NewRule(deny_rules.Rule(60, ann.id, "forums"))
    deny_rules.add(sessions, [rule], Reason("admin", "Resi", "incident"), Client("192.0.2.1", ""))
    assert "Suspended" in moderator.get(address)


def test_a_database_that_is_away_or_old_stops_its_own_site_alone(
    client: Any, apart: Any, databases: Any, ini: str, server: Any, worker_id: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr("shopforum.core.readiness._STANDS", 0)
    shopper, owner = client("store", SHOPPER), client("admin", "owner")
    ready = {site: client(site).get("/readyz").json["checks"] for site in SITES}
    assert {"site_database", "site_migrations", "site_grants", "site_writes"} < ready["store"].keys()
    assert "site_database" not in ready["admin"], "the console works without the store"
    store = databases.of("store")
    older = migrations.known()[-2]
    store.all(text(f"UPDATE alembic_version SET version_num = '{older}'"))
    found = client("store").get("/readyz", status=503).json["checks"]
    assert (found["migrations"], found["site_migrations"][:5]) == ("ok", "older")
    assert client("forums").get("/readyz").json["status"] == "ok"
    store.all(
        text(
            """INSERT INTO outgoing_mail (recipient, subject, plain, html, created_at)
            VALUES ('a@b.example', '', '', '', now() - interval '1 hour')"""
        )
    )
    wrong, output = checked(ini)
    assert {"store migrations", "store relay"} <= wrong, output
    shown = CliRunner().invoke(main, ["migrate", ini, "--dry-run"]).output
    assert f"The database of the store:\nThe database is at {older}." in shown
    assert shown.count("That is the newest; nothing to do.") == 2
    store.all(text(f"UPDATE alembic_version SET version_num = '{migrations.head()}'"))
    with closing(psycopg2.connect(server.url("postgres"))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        name = f"own_store_{worker_id}"
        try:
            cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = %s", (name,)
            )
            assert shopper.get("/orders", status=503).headers["Retry-After"]
            assert client("forums").get("/", status=200)
            assert "An unknown number of orders on the store" in owner.get(f"/users/{SHOPPER.id}")
        finally:
            cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert shopper.get("/orders", status=200), "nobody was signed out"


def test_a_worker_that_dies_between_the_two_commits_moves_nothing_twice(client: Any, databases: Any) -> None:
    Catalogue(databases.of("store")).fill()
    buy(client("store", SHOPPER))
    store, sessions = databases.of("store"), databases.sessions

    def end_the_other(_connection: Any) -> None:
        sessions.all(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name AND state = 'idle in transaction'"
            ),
            name=store.engine.url.database,
        )

    event.listen(sessions.engine, "commit", end_the_other)
    try:
        with pytest.raises(Exception, match=r"connection|terminat"):
            relay.run_once(store, sessions, RELAYED)
    finally:
        event.remove(sessions.engine, "commit", end_the_other)
    metrics = DatabaseCollector(sessions, (), (), databases.apart)
    [rows] = [metric for metric in metrics.collect() if metric.name == "shopforum_backlog_rows"]
    waiting = {sample.labels["backlog"]: sample.value for sample in rows.samples}
    assert waiting["store:session_acts"] == 1
    while relay.run_once(store, sessions, RELAYED):
        pass
    assert (filled(store).get("session_acts"), filled(sessions)["session_acts"]) == (None, 1)


@pytest.mark.usefixtures("idp")
def test_one_database_under_two_addresses_is_refused(
    settings: Any, write_ini: Any, database_url: str
) -> None:
    other = {"database.store_url": f"{database_url}?application_name=other"}
    with pytest.raises(SettingsError, match="leads to the database of the sessions"):
        shopforum.main({}, **settings("store"), **other)
    wrong, output = checked(write_ini(**other))
    assert "store database" in wrong, output
