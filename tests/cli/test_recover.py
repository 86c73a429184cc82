"""`shopforum recover`: shows first, then makes a restored database safe; and the alarm of a worker that misses rows."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text
from support import Browser

from shopforum.api_tokens import tokens
from shopforum.cli import main
from shopforum.sessions import audit_chain, jobs
from shopforum.sessions.audit import Client


@pytest.fixture
def run(write_ini: Any, tmp_path: Path, apps: Any) -> Any:
    """`run("recover", "--yes")`: a command on a deployment whose worker remembers heads in a file."""
    ini = write_ini(**{"audit.witness_file": str(tmp_path / "heads")})

    def invoke(command: str, *options: str) -> Result:
        return CliRunner().invoke(main, [command, ini, *options], catch_exceptions=False)

    return invoke


@pytest.fixture
def restored(apps: Any, store: Browser, run: Any, admin: Browser) -> str:
    """A database that a restore has brought back: a worker has seen a head that it does not contain. Returns that head."""
    store.log_in("shopper")
    services = apps["store"].services
    tokens.create(
        services.db,
        services.sessions.config.secrets,
        "siem",
        ["sessions:read"],
        None,
        tokens.Actor("t", Client()),
    )
    jobs.seal(services.sessions)
    kept = audit_chain.head(services.db).seq
    admin.log_in("viewer")
    assert run("worker", "--once").exit_code == 0
    witnessed = str(audit_chain.head(services.db))
    with services.db.transaction() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("DELETE FROM audit_log WHERE seq > :kept"), {"kept": kept})
        connection.execute(
            text("UPDATE audit_head SET seq = :kept, mac = (SELECT mac FROM audit_log WHERE seq = :kept)"),
            {"kept": kept},
        )
    return witnessed


def test_it_shows_and_then_acts(run: Any, restored: str, store: Browser, sql: Any, apps: Any) -> None:
    shown = run("recover")
    assert shown.exit_code == 0, shown.output
    assert f"LOST: the witnessed head {restored} is not in it" in shown.stdout
    assert "Nothing was done" in shown.stdout
    store.get("/account/sessions", status=200)
    assert sql("SELECT 1 FROM revocations") == []

    done = json.loads(run("recover", "--yes", "--json").stdout)
    assert done["lost"] >= 1
    assert done["done"]["tokens"] == 1
    store.get("/account/sessions", status=302)
    assert sql("SELECT 1 FROM api_tokens WHERE revoked_at IS NULL") == []
    [event] = sql("SELECT detail FROM audit_log WHERE event = 'recovered_from_restore'")
    assert event["detail"]["witnessed"] == restored
    # The worker compares with the new head from now on.
    again = run("recover")
    assert "The witnessed head is in it" in again.stdout
    assert run("worker", "--once").exit_code == 0
    assert sql("SELECT 1 FROM audit_log WHERE event = 'audit_rows_lost'") == []


def test_newer_sessions_and_tokens_can_stay(run: Any, restored: str, store: Browser, sql: Any) -> None:
    done = run("recover", "--yes", "--before", "2026-01-01T00:00", "--keep-tokens")
    assert done.exit_code == 0, done.output
    store.get("/account/sessions", status=200)
    assert len(sql("SELECT 1 FROM api_tokens WHERE revoked_at IS NULL")) == 1


def test_a_head_from_the_log_stream(run: Any, store: Browser, apps: Any) -> None:
    store.log_in("shopper")
    jobs.seal(apps["store"].services.sessions)
    assert "Whether its end is lost is not known" in run("recover").stdout
    head = str(audit_chain.head(apps["store"].services.db))
    assert "nothing is lost up to there" in run("recover", "--head", head).stdout
    assert "LOST" in run("recover", "--head", "99:" + "00" * 32).stdout
    assert run("recover", "--head", "nonsense").exit_code == 2


def test_a_worker_raises_the_alarm_and_the_dashboard_shows_it(
    run: Any, restored: str, admin: Browser, store: Browser, sql: Any
) -> None:
    assert run("worker", "--once").exit_code == 0
    assert len(sql("SELECT 1 FROM audit_log WHERE event = 'audit_rows_lost'")) == 1
    store.get("/account/sessions", status=302)
    store.get("/account/sessions", status=302)
    admin.log_in("viewer")
    assert "has lost at least" in admin.get("/").text
    assert run("worker", "--once").exit_code == 0
    assert len(sql("SELECT 1 FROM audit_log WHERE event = 'audit_rows_lost'")) == 1
    run("recover", "--yes")
    admin.log_in("viewer")
    assert "has lost at least" not in admin.get("/").text
