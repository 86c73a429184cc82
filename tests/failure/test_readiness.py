"""Ready means that the process can do its work: the schema is one it can live with, its role may write, the server does."""

import pytest
from sqlalchemy import event, text
from support import Browser, url_of
from webtest import TestApp

import shopforum
from shopforum.core import migrations, processes, readiness
from shopforum.core.readiness import Readiness


@pytest.fixture
def own(server, worker_id, settings):
    """`own(**changes)`: the store over a database of this test's own, whose schema and rights it may change."""
    name = f"ready_{worker_id}"
    url = server.create(name, template="template_shopforum")
    made = []

    def make(**changes):
        app = shopforum.main({}, **settings("store") | {"database.url": url, **changes})
        made.append(app)
        return app

    yield make
    for app in made:
        app.services.db.engine.dispose()
    server.drop(name)


def answer(app, path="/readyz"):
    """The status and the checks, asked anew."""
    app.services.get(Readiness)._known = (float("-inf"), app.services.get(Readiness)._known[1])
    page = Browser(app, url_of("store")).get(path, status="*")
    return page.status_int, {name: state for name, state in page.json["checks"].items() if state != "ok"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/startupz"])
@pytest.mark.parametrize("host", ["10.1.2.3:6543", "", "anything.example"])
def test_probes_ask_by_address(apps, path, host):
    client = TestApp(apps["store"], extra_environ={"HTTP_HOST": host})
    assert client.get(path, status=200).json["status"] == "ok"
    client.get("/login", status=421)


def test_the_schema_may_be_newer_as_long_as_it_says_so(own):
    app = own()
    run = app.services.db.all
    newest = migrations.head()
    assert answer(app) == (200, {})
    run(text("UPDATE alembic_version SET version_num = '9999_later'"))
    assert answer(app) == (200, {}), "a migration that adds a column keeps the older processes"
    run(text("COMMENT ON TABLE alembic_version IS '9999_later'"))
    status, checks = answer(app)
    assert (status, [*checks]) == (503, ["migrations", "grants", "writes"])
    assert "upgrade the application" in checks["migrations"]
    assert answer(app, "/startupz") == (200, {}), "it has started, and only its restart would help"
    older = migrations.known()[-2]
    run(text(f"UPDATE alembic_version SET version_num = '{older}'"))
    assert "alembic upgrade head" in answer(app)[1]["migrations"]
    run(text(f"UPDATE alembic_version SET version_num = '{newest}'"))
    assert answer(app) == (200, {})


def test_a_role_without_its_rights_is_not_ready(own, server, worker_id):
    role = f"ready_{worker_id}"
    app = own()
    url = app.services.db.engine.url.set(username=role, password="x")
    run = app.services.db.all
    run(text(f"CREATE ROLE {role} LOGIN PASSWORD 'x'"))
    try:
        limited = own(**{"database.url": url.render_as_string(hide_password=False)})
        assert "grant SELECT on alembic_version" in answer(limited)[1]["grants"]
        run(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"))
        assert answer(limited) == (200, {})
        run(text(f"REVOKE DELETE ON carts FROM {role}"))
        assert answer(limited) == (503, {"grants": "the role lacks rights: grant DELETE on carts"})
    finally:
        run(text(f"DROP OWNED BY {role}"))
        run(text(f"DROP ROLE {role}"))


def test_a_read_only_server_is_not_ready(own, server, worker_id):
    app = own()
    server._run(f"ALTER DATABASE ready_{worker_id} SET default_transaction_read_only = on")
    app.services.db.engine.dispose()
    status, checks = answer(app)
    assert status == 503
    assert "read-only" in checks["writes"]
    server._run(f"ALTER DATABASE ready_{worker_id} RESET default_transaction_read_only")
    assert answer(app) == (200, {})


def test_a_process_that_is_about_to_end_asks_for_no_more_requests(apps):
    processes.ending.set()
    try:
        assert answer(apps["store"]) == (503, {"process": "ending"})
        Browser(apps["store"], url_of("store")).get("/healthz", status=200)
        Browser(apps["store"], url_of("store")).get("/", status=200)
    finally:
        processes.ending.clear()


def test_not_every_probe_asks_the_database(apps, monkeypatch):
    monkeypatch.setattr(readiness, "_STANDS", 60)
    answer(apps["store"])
    made = []
    event.listen(apps["store"].services.get(Readiness).db.engine, "connect", lambda *_: made.append(1))
    for _ in range(5):
        Browser(apps["store"], url_of("store")).get("/readyz", status=200)
    assert made == []
    answer(apps["store"])
    assert made, "and the listener is heard"


def test_a_site_whose_pages_hold_all_connections_is_ready(own):
    app = own(**{"database.pool_size": "1"})
    with app.services.db.transaction():
        assert answer(app) == (200, {})
