"""Sample sessions for the console: a database of their own to read, and the sites' own to act on."""

import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg2
import pytest
from sqlalchemy import Engine, text
from support import Browser, person, url_of

from shopforum.api import ApiApp
from shopforum.api.request import _KEY
from shopforum.core.database import Database
from shopforum.core.engine import create_unpooled_engine
from shopforum.core.read_only_database import ReadOnlyDatabase
from shopforum.dev import postgres
from shopforum.dev.sample import sessions as sample
from shopforum.operations.approval_requests import TwoPeople

USERS = [
    (uuid.uuid5(uuid.NAMESPACE_URL, f"sample{n}"), f"Ada{n} Anchor", f"ada{n}.anchor@mail.example")
    for n in range(60)
]


@pytest.fixture(scope="session")
def sampled(server: postgres.Server, database_url: str, worker_id: str) -> Iterator[Engine]:
    """A database with the sample sessions, to be read and never written."""
    engine = create_unpooled_engine(server.create(f"test_console_{worker_id}", template="template_shopforum"))
    with engine.begin() as connection:
        sample.seed(connection, USERS, random.Random(7))
        # None idles out while the tests run.
        connection.execute(
            text(
                "UPDATE sessions SET idle_end = least(absolute_end, now() + interval '1 hour') WHERE idle_end > now()"
            )
        )
    yield engine
    engine.dispose()


@pytest.fixture
def read_db(sampled: Engine) -> ReadOnlyDatabase:
    """The console's way to read the sample."""
    return ReadOnlyDatabase(Database(sampled))


@pytest.fixture(scope="session")
def large(server: postgres.Server, sampled: Engine, worker_id: str) -> Iterator[Engine]:
    """Ten times the sample, so that the planner has something to plan for."""
    template = sampled.url.database
    sampled.dispose()
    url = server.create(f"test_console_large_{worker_id}", template=template)
    _multiply(url)
    engine = create_unpooled_engine(url)
    yield engine
    engine.dispose()


@dataclass(frozen=True)
class Started:
    """A session that somebody has just begun in a browser."""

    id: UUID
    user_id: UUID
    browser: Browser


@pytest.fixture
def started(browser: Callable[..., Browser]) -> Callable[..., Started]:
    """`started("member", "forums")`: log somebody in and say which session that is."""

    def start(who: str = "shopper", site: str = "store", address: str = "192.0.2.1") -> Started:
        client = browser(site, address)
        client.log_in(who)
        user_id = UUID(person(who).id)
        row = client.app.services.db.one(
            text("SELECT id FROM sessions WHERE user_id = :u AND site = :s ORDER BY created_at DESC LIMIT 1"),
            u=user_id,
            s=site,
        )
        return Started(row["id"], user_id, client)

    return start


@pytest.fixture
def console(browser: Callable[..., Browser]) -> Callable[[str], Browser]:
    """`console("responder")`: the admin site with that role signed in."""

    def sign_in(role: str) -> Browser:
        client = browser("admin")
        assert client.log_in(role).status_int == 302
        return client

    return sign_in


# The statistics that the console's lists need, beside the indexes of the session core.
def _multiply(url: str) -> None:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        for table in ("sessions", "session_places", "session_flags", "audit_log"):
            cursor.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s", (table,)
            )
            names = [name for (name,) in cursor.fetchall()]
            own = {"sessions": "id", "audit_log": ""}.get(table, "session_id")
            if table == "audit_log":
                names.remove("id")
            values = ", ".join(f"md5({n}::text || k)::uuid" if n == own else n for n in names)
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {table}, generate_series(1, 9) k"
            )
        connection.commit()
        connection.autocommit = True
        cursor.execute("VACUUM ANALYZE")


@pytest.fixture
def two_people(apps: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`admin.two_people` is on, and mail can be sent."""
    services, api = apps["admin"].services, apps["admin"].services.get(ApiApp).router.registry
    on = TwoPeople(required=True, console=url_of("admin"), mail=True)
    monkeypatch.setitem(services.objects, TwoPeople, on)
    monkeypatch.setitem(api, _KEY, replace(api[_KEY], two_people=on))


@pytest.fixture
def owners(two_people: None, console: Callable[[str], Browser], sql: Any) -> tuple[Browser, Browser]:
    """Two owners at the console."""
    first, second = console("owner"), console("responder")
    # FusionAuth, which gives one of them a lesser role, is not asked again.
    sql("UPDATE sessions SET roles = '{owner}', roles_read_at = now() + interval '1 hour' RETURNING 1")
    return first, second
