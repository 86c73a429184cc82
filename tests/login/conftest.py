"""Fixtures that the login's tests share."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg2
import pytest
import row_order
from psycopg2.extras import RealDictCursor

from shopforum.login.settings import LoginSettings


@pytest.fixture(autouse=True)
def _no_floor(apps: dict[str, Any]) -> Iterator[None]:
    """Refusals as quick as they come; the one test that measures the floor sets it."""
    before = {site: app.services.objects[LoginSettings] for site, app in apps.items()}
    for app in apps.values():
        app.services.objects[LoginSettings] = replace(app.services.objects[LoginSettings], refusal_floor=0)
    yield
    for site, app in apps.items():
        app.services.objects[LoginSettings] = before[site]


@pytest.fixture
def limits(apps: dict[str, Any]) -> Callable[..., None]:
    """`limits(account_failures=2)`: settings of the login for one test, on all sites."""

    def change(**values: float) -> None:
        for app in apps.values():
            app.services.objects[LoginSettings] = replace(app.services.objects[LoginSettings], **values)

    return change


@pytest.fixture
def sql(database_url: str, clean: None) -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """`sql(statement, *values)`: what the database says, past the application."""
    connection = psycopg2.connect(database_url)
    connection.autocommit = True

    def run(statement: str, *values: Any) -> list[dict[str, Any]]:
        with connection.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute(statement, values)
            rows = [dict(row) for row in cursor.fetchall()] if cursor.description else []
            return row_order.as_found(statement, rows)

    yield run
    connection.close()


@pytest.fixture
def audit(sql: Callable[..., list[dict[str, Any]]]) -> Callable[[str], list[dict[str, Any]]]:
    """`audit(event)`: the audit rows of an event, oldest first."""
    return lambda event: sql("SELECT * FROM audit_log WHERE event = %s ORDER BY id", event)
