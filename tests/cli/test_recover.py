"""`shopforum recover`: shows first, then makes a restored database safe; and the alarm of a worker that misses rows."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text
from support import Browser, person

from shopforum.api_tokens import tokens
from shopforum.cli import main, recover_log
from shopforum.operations import audit_queries, json_documents
from shopforum.sessions import Reason, Rule, Scope, audit_chain, jobs
from shopforum.sessions.audit import Client
from shopforum.webhooks import events


@pytest.fixture
def run(write_ini: Any, tmp_path: Path, apps: Any) -> Any:
    """`run("recover", "--yes")`: a command on a deployment whose worker remembers heads in a file."""
    ini = write_ini(**{"audit.witness_file": str(tmp_path / "heads"), "admin.two_people": "true"})

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
    # It ends everyone's sessions without a second owner, and says so before it does.
    [alone, ended] = sql(
        "SELECT event, detail ->> 'typed' AS typed FROM audit_log WHERE event IN ('acted_alone', 'authn_token_revoked') ORDER BY id"
    )
    assert (alone["event"], alone["typed"]) == ("acted_alone", "End everyone's sessions")
    assert ended["event"] == "authn_token_revoked"
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


# Undoes what was done after `:at`, as a restore does.
_UNDONE = """DELETE FROM audit_log WHERE at > :at;
UPDATE audit_head SET seq = n, mac = m FROM (SELECT coalesce(max(seq), 0) AS n,
  coalesce((array_agg(mac ORDER BY seq DESC))[1], decode(repeat('00', 32), 'hex')) AS m FROM audit_log) last;
UPDATE sessions SET ended_at = NULL, end_reason = NULL, revocation_id = NULL WHERE ended_at > :at;
DELETE FROM revocation_gates;
DELETE FROM revocations WHERE created_at > :at;
UPDATE standing_rules SET lifted_at = NULL, lifted_by = NULL WHERE lifted_at > :at;
DELETE FROM standing_rules WHERE created_at > :at;
UPDATE api_tokens SET revoked_at = NULL WHERE revoked_at > :at"""


@pytest.fixture
def lost_log(apps: Any, sql: Any, browser: Any, tmp_path: Path, run: Any) -> dict[str, Any]:
    """Three people's browsers, acts against two of them and on rules and tokens, a copy of the log of all that, and a restore
    that has undone it.
    """
    services = apps["store"].services
    sessions, client = services.sessions, Client()
    reason = Reason("admin", "ann", "stolen_device", "INC-7", "Lost phone.")
    browsers = {name: browser("store") for name in ("ended", "swept", "kept")}
    for one, who in zip(browsers.values(), ("shopper", "member", "shopper"), strict=True):
        one.log_in(who)
    token, _ = tokens.create(
        services.db, sessions.config.secrets, "siem", ["sessions:read"], None, tokens.Actor("t", client)
    )
    lifted = sessions.add_rule(Rule(3600, network="198.51.100.0/24"), reason, client)
    first = sql("SELECT id FROM sessions ORDER BY created_at LIMIT 1")[0]["id"]
    at = sql("SELECT clock_timestamp() AS at")[0]["at"]
    sessions.revoke(Scope(sessions=(first,)), reason, client)
    sessions.revoke(Scope(user_id=person("member").id, site="store"), reason, client)
    sessions.lift_rule(lifted, "ann", client)
    sessions.add_rule(Rule(3600, user_id=person("moderator").id, site="forums"), reason, client)
    tokens.revoke(services.db, tokens.Actor("ann", client), token_id=token)
    while jobs.seal(sessions):
        pass
    copy = tmp_path / "copy.jsonl"
    copy.write_text(CliRunner().invoke(main, ["audit", "export", str(tmp_path / "site.ini")]).stdout + "x\n")
    rows = [*audit_queries.oldest_first(services.db)]
    with services.db.transaction() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in _UNDONE.split(";"):
            connection.execute(text(statement), {"at": at} if ":at" in statement else {})
    return {**browsers, "copy": str(copy), "rows": rows}


def test_the_acts_of_a_copy_of_the_log_are_applied_again(run: Any, sql: Any, lost_log: Any) -> None:
    ended, swept, kept = (lost_log[name] for name in ("ended", "swept", "kept"))
    options = ("--log", lost_log["copy"], "--keep-sessions", "--keep-tokens")
    shown = run("recover", *options)
    assert shown.exit_code == 0, shown.output
    assert "apply again 2 revocations" in shown.stdout
    assert "lift 1 deny rule again, add 1 again" in shown.stdout
    assert "NOT READ: 1 line" in shown.stdout
    for one in (ended, swept, kept):
        one.get("/account/sessions", status=200)

    done = json.loads(run("recover", *options, "--yes", "--json").stdout)["done"]
    assert len(done["applied"].pop("revocations")) == 2
    assert done["applied"] == {"lifted": 1, "added": 1, "tokens": 1}
    assert done["revocation"] is None
    for one, status in ((ended, 302), (swept, 302), (kept, 200)):
        one.get("/account/sessions", status=status)
    # People who have signed in since are spared.
    swept.log_in("member")
    swept.get("/account/sessions", status=200)
    [rule] = sql(
        "SELECT user_id, site, until < now() + interval '1 hour' AS rest FROM standing_rules WHERE lifted_at IS NULL"
    )
    assert (str(rule["user_id"]), rule["site"], rule["rest"]) == (str(person("moderator").id), "forums", True)
    assert sql("SELECT 1 FROM api_tokens WHERE revoked_at IS NULL") == []
    [event] = sql("SELECT detail FROM audit_log WHERE event = 'recovered_from_restore'")
    assert event["detail"]["applied_again"] == {"revocations": 2, "lifted": 1, "added": 1, "tokens": 1}
    again = json.loads(run("recover", *options, "--json").stdout)["lost_acts"]
    assert (again["revocations"], again["lifted"], again["added"], again["tokens"]) == ([], [], 0, [])


def test_every_kind_of_copy_names_the_same_revocations(lost_log: Any) -> None:
    names = {one.name for one in fields(events.SealedRow)}
    sealed = [events.SealedRow(**{name: getattr(row, name) for name in names}) for row in lost_log["rows"]]
    copies = {
        "export": Path(lost_log["copy"]).read_text().splitlines()[:-1],
        "events": [
            json.dumps(json_documents.event(row), default=json_documents.plain) for row in lost_log["rows"]
        ],
        "messages": [json.dumps(events.message(row)) for row in sealed],
    }
    found = {}
    for kind, lines in copies.items():
        rows, unreadable = recover_log.read(line.encode() for line in lines)
        assert unreadable == 0, kind
        found[kind] = [
            (row.seq, row.at, row.event, row.revocation_id, row.scope) for row in rows if row.scope
        ]
    assert len(found["export"]) == 2
    assert found["events"] == found["messages"] == found["export"]


def test_a_copy_that_is_none_changes_nothing(run: Any, store: Browser, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.write_text("seq,id,at\n1,1,2026-01-01\n" + json.dumps([1]) + "\n" + json.dumps({"data": 3}) + "\n")
    for options, said in (
        (("--log", str(copy)), "no line of it is a row"),
        (("--keep-sessions",), "needs --log"),
    ):
        done = run("recover", *options, "--yes")
        assert done.exit_code == 2
        assert said in done.output
