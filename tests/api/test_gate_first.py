"""Ending everyone's sessions waits for no count, by any way in; a number that is not exact says so."""

import json

import pytest
from click.testing import CliRunner
from page_forms import form_of
from sqlalchemy import Engine, event

from shopforum.cli import main
from shopforum.operations import counts, plans
from shopforum.sessions import jobs
from shopforum.sessions.gate_sweep import STEP

EVERYONE = {"scope": {"everyone": True}, "reason": {"code": "incident"}}

CROWD = """INSERT INTO sessions (site, user_id, user_name, roles, authenticated_at, absolute_end, idle_end,
    last_seen_at)
  SELECT 'store', gen_random_uuid(), 'x', '{}', now(), now() + interval '1 day', now() + interval '1 hour', now() FROM generate_series(1, :many)"""


@pytest.fixture
def slow(apps, monkeypatch):
    """The console's database takes long to count what can still be ended."""
    monkeypatch.setattr(plans, "PATIENCE", 200)
    monkeypatch.setattr(counts, "_PATIENCE", 100)
    engine = apps["admin"].services.db.engine

    def sleep(_connection, _cursor, statement, parameters, *_):
        is_count = "count(" in statement and "absolute_end" in statement
        # The statements that mark do not count, and say how many rows they have marked.
        is_count &= (
            "WITH due" not in statement
            and "UPDATE sessions" not in statement
            and "session_places" not in statement
        )
        return (f"SELECT pg_sleep(30); {statement}" if is_count else statement), parameters

    event.listen(engine, "before_cursor_execute", sleep, retval=True)
    yield
    event.remove(engine, "before_cursor_execute", sleep)


@pytest.fixture
def owner(browser):
    client = browser("admin")
    client.log_in("owner")
    return client


@pytest.mark.usefixtures("slow")
def test_by_the_api(call, started):
    one = started()
    told = call("POST", "/revocations", EVERYONE | {"dry_run": True}, 200).json
    assert (told["matched"], told["exact"]) == (0, False)
    refused = call("POST", "/revocations", EVERYONE | {"expected_count": 0}, 409).json
    assert refused["detail"] == "At least 0 sessions match now, not 0."
    assert one.lives
    receipt = call("POST", "/revocations", EVERYONE, 201).json
    assert (receipt["matched"], receipt["exact"]) == (1, False)
    assert not one.lives


@pytest.mark.usefixtures("slow")
def test_by_the_console(owner, started):
    one = started()
    page = owner.get("/revoke-everyone")
    assert "you can end them all the same" in page
    form = form_of(page, "/revoke-everyone")
    form["reason"], form["word"] = "incident", "everyone"
    receipt = form.submit(status=303).follow()
    assert "at least 1, still counting" in receipt
    assert "at least 1, still counting" in owner.get("/revocations")
    assert not one.lives


@pytest.mark.parametrize("reach", [["--everyone"], ["--site", "store"]])
def test_by_the_command_line(started, apps, write_ini, sql, reach):
    one, statements = started(), []
    sql(CROWD, many=STEP + 10)
    ini = write_ini()

    def run(*options):
        listen = ("before_cursor_execute", lambda _c, _k, sql, *_: statements.append(sql))
        event.listen(Engine, *listen)
        try:
            return CliRunner().invoke(
                main, ["sessions", "revoke", ini, *reach, *options], catch_exceptions=False
            )
        finally:
            event.remove(Engine, *listen)

    told = json.loads(run("--dry-run", "--json").stdout)
    assert (told["matched"], told["exact"]) == (STEP + 11, True)
    statements.clear()
    answer = run("--reason", "incident", "--yes")
    assert answer.exit_code == 0
    assert f"At least {STEP} sessions: `shopforum worker` goes on counting" in answer.output
    gate = next(n for n, sql in enumerate(statements) if "INSERT INTO revocation_gates" in sql)
    assert not [sql for sql in statements[:gate] if "count(" in sql]
    assert not one.lives


def test_the_receipt_becomes_exact(call, owner, sql, apps, later):
    sql(CROWD, many=STEP + 10)
    receipt = call("POST", "/revocations", EVERYONE | {"scope": {"site": "store"}}, 201).json
    assert (receipt["matched"], receipt["revoked"], receipt["exact"]) == (STEP, STEP, False)
    jobs.run_once(apps["admin"].services.sessions)
    later(120)
    jobs.run_once(apps["admin"].services.sessions)
    receipt = call("GET", f"/revocations/{receipt['id']}", status=200).json
    assert (receipt["matched"], receipt["revoked"], receipt["exact"]) == (STEP + 10, STEP + 10, True)
    assert f"<dd>{STEP + 10}</dd>" in owner.get(f"/revocations/{receipt['id']}")


def test_a_younger_act_says_that_it_is_not_counted_yet(call, owner, sql):
    sql(CROWD, many=3 * STEP)
    call("POST", "/revocations", EVERYONE | {"scope": {"site": "store"}}, 201)
    receipt = call("POST", "/revocations", EVERYONE, 201).json
    assert (receipt["matched"], receipt["exact"]) == (0, False)
    page = owner.get(f"/revocations/{receipt['id']}", expect_errors=True)
    if page.status_int == 302:
        owner.log_in("owner")
        page = owner.get(f"/revocations/{receipt['id']}")
    assert "<dd>still counting</dd>" in page


def test_the_dashboard_says_where_its_numbers_stop(owner, sql):
    sql(CROWD, many=20_001)
    # Else the foreign key may be checked by a plan that this connection has kept from a table with a few rows.
    sql("ANALYZE sessions")
    sql(
        "INSERT INTO session_flags (session_id, kind) SELECT id, 'refresh_without_session' FROM sessions WHERE user_name = 'x'"
    )
    sql(
        """INSERT INTO audit_log (event, site, initiating_entity) SELECT 'authn_token_reuse', 'store', 'policy'
        FROM generate_series(1, 10001)"""
    )
    page = owner.get("/")
    assert "At least 20,000 tries blocked" in page
    assert "At least 10,001 tries blocked" in page
