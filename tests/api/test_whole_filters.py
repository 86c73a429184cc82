"""A filter means all that match, however many people that are: in lists, counts, files and acts, by every way in."""

import json

import pytest
from click.testing import CliRunner
from page_forms import form_of
from sqlalchemy import event

from shopforum.cli import main
from shopforum.core.read_only_database import LIMIT, ReadOnlyDatabase

# People with a session each, oldest first: a family among the oldest, many others since.
CROWD = """INSERT INTO sessions (site, user_id, user_name, user_email, roles, created_at, authenticated_at, absolute_end, idle_end, last_seen_at)
  SELECT 'store', gen_random_uuid(), CASE WHEN n <= 300 THEN 'Ada Penhaligon-' ELSE 'Somebody ' END || n,
    'p' || n || '@crowd.example', '{}', now() - (:many - n) * interval '1 second', now(), now() + interval '1 day',
    now() + interval '1 hour', now() FROM generate_series(1, :many) n"""
MANY = 20_000
REASON = {"code": "incident"}


@pytest.fixture
def crowd(sql):
    sql(CROWD, many=MANY)
    sql("ANALYZE sessions")


@pytest.fixture
def run(write_ini, apps):
    ini = write_ini()
    return lambda command, *options: CliRunner().invoke(
        main, ["sessions", command, ini, *map(str, options)], catch_exceptions=False
    )


@pytest.fixture
def slow(apps, monkeypatch):
    """`slow("admin")`: the site's database takes long to look for a part of a name, and nobody has much patience."""
    undo = []
    real = ReadOnlyDatabase.__init__
    monkeypatch.setattr(
        ReadOnlyDatabase, "__init__", lambda self, db, limit=LIMIT: real(self, db, min(limit, 300))
    )

    def make(site):
        engine = apps[site].services.db.engine

        def sleep(_connection, _cursor, statement, parameters, *_):
            part = any(str(value).startswith("%") for value in dict(parameters or {}).values())
            return (f"SELECT pg_sleep(20); {statement}" if part else statement), parameters

        event.listen(engine, "before_cursor_execute", sleep, retval=True)
        undo.append(lambda: event.remove(engine, "before_cursor_execute", sleep))

    yield make
    for each in undo:
        each()


@pytest.mark.usefixtures("crowd")
def test_all_are_listed_counted_and_ended_by_the_api(call, sql):
    answer = call("GET", "/sessions?user=crowd.example", status=200)
    assert answer.json["total"] == {"count": 10_000, "exact": False}, "a count that stops says so"
    assert call("GET", "/sessions?user=penhaligon", status=200).json["total"] == {"count": 300, "exact": True}
    seen, query = set(), "/sessions?user=Crowd.Example&limit=500"
    while query:
        answer = call("GET", query, status=200)
        seen |= {row["id"] for row in answer.json["sessions"]}
        query = answer.headers.get("Link", "").partition(">")[0].removeprefix("</api/v1")
    assert len(seen) == MANY
    for typed, matched in (("crowd.example", MANY), ("PENHALIGON", 300), ("penhaligon-1", 111)):
        scope = {"filter": {"user": typed}}
        assert call("POST", "/revocations", {"scope": scope, "dry_run": True}, 200).json["matched"] == matched
    body = {"scope": {"filter": {"user": "rowd.example"}}, "reason": REASON, "expected_count": MANY}
    assert call("POST", "/revocations", body, 201).json["revoked"] == MANY
    assert sql("SELECT 1 FROM sessions WHERE ended_at IS NULL") == []


@pytest.mark.usefixtures("crowd")
def test_all_are_shown_exported_and_ended_by_the_console(browser, sql):
    owner = browser("admin")
    owner.log_in("owner")
    assert len(owner.get("/sessions/export?user=crowd.example&format=jsonl").text.splitlines()) == MANY
    page = owner.get("/sessions?user=penhaligon")
    assert "All 300 that match" in page
    asked = owner.get("/sessions/revoke?filter=user%3Dpenhaligon")
    assert "End 300 sessions of 300 people?" in asked
    form = form_of(asked, "/sessions/revoke")
    form["reason"], form["number"] = "incident", "300"
    assert "300 sessions: ended" in form.submit(status=303).follow()
    [row] = sql("SELECT count(*) AS left FROM sessions WHERE user_name LIKE 'Ada%' AND ended_at IS NULL")
    assert row["left"] == 0


@pytest.mark.usefixtures("crowd")
def test_all_are_quarantined_and_released_by_the_command_line(run, sql):
    for command, done in (("quarantine", "quarantined"), ("release", "released")):
        answer = run(command, "--user", "crowd.example", "--reason", "incident", "--yes", "--json")
        assert json.loads(answer.stdout)[done] == MANY
    assert sql("SELECT 1 FROM sessions WHERE quarantined_at IS NOT NULL") == []


def test_a_whole_address_means_its_owner_and_not_those_whose_addresses_end_so(call, sql):
    sql(CROWD, many=19)
    sql("UPDATE sessions SET user_email = 'x' || user_email WHERE user_email = 'p11@crowd.example'")
    # The same person under an earlier address.
    sql(
        """UPDATE sessions SET user_id = (SELECT user_id FROM sessions WHERE user_email = 'p1@crowd.example')
        WHERE user_email = 'p2@crowd.example'"""
    )
    for typed, count in (
        ("P1@crowd.example", 2),
        ("p3@crowd.example", 1),
        ("11@crowd.example", 1),
        ("1@crowd.example", 2),
        ("@crowd.example", 19),
    ):
        found = call("GET", f"/sessions?user={typed}", status=200).json["total"]
        assert found == {"count": count, "exact": True}, typed


def test_where_looking_takes_too_long_the_list_says_so_and_no_act_runs(browser, sql, slow, call, run):
    sql(CROWD, many=9)
    sql("UPDATE sessions SET user_name = 'Penny ' || user_name WHERE user_email = 'p9@crowd.example'")
    owner = browser("admin")
    owner.log_in("owner")
    slow("admin")
    page = owner.get("/sessions?user=pen")
    assert "This list is not complete" in page
    assert "Penny Ada" in page
    assert "Penhaligon-1<" not in page
    assert "All that match:" in page, "without a count"
    assert "took too long and was stopped" in owner.get("/sessions/export?user=pen", status=503)
    asked = owner.get("/sessions/revoke?filter=user%3Dpen", status=503)
    assert "Nothing was changed. That took too long" in asked
    answer = call("GET", "/sessions?user=pen", status=503)
    assert "Narrow the filters" in answer.json["detail"]
    body = {"scope": {"filter": {"user": "pen"}}, "reason": REASON}
    assert "Nothing was changed" in call("POST", "/revocations", body, 503).json["detail"]
    assert sql("SELECT 1 FROM revocations") == []


def test_everybody_of_an_address_is_ended_however_many_share_it(call, sql):
    sql(CROWD, many=130)
    sql("UPDATE sessions SET user_email = 'shared@crowd.example'")
    subject = {"format": "email", "email": "shared@crowd.example"}
    call("POST", "/global-token-revocation", {"sub_id": subject}, 204)
    assert sql("SELECT 1 FROM sessions WHERE ended_at IS NULL") == []
