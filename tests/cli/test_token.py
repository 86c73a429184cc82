"""`shopforum token`: made, listed and revoked without the web server."""

import json
import os
import pwd

import pytest
from click.testing import CliRunner
from webtest import TestApp

from shopforum.api_tokens.tokens import SCOPES
from shopforum.cli import main
from shopforum.dev import instance


@pytest.fixture
def token(ini):
    """`token("create", "--name", "x")`: `shopforum token create INI --name x`."""
    return lambda command, *options: CliRunner().invoke(
        main, ["token", command, ini, *options], catch_exceptions=False
    )


@pytest.fixture
def works(apps):
    """Return the status of a call with a token that reads sessions."""
    client = TestApp(apps["admin"], extra_environ={"HTTP_HOST": "admin.test", "wsgi.url_scheme": "https"})
    return lambda sent: (
        client.get(
            "/api/v1/sessions", headers={"Authorization": f"Bearer {sent}"}, expect_errors=True
        ).status_int
    )


def test_a_token_is_printed_once_and_works(token, works, sql):
    made = token("create", "--name", "siem", "--scope", "sessions:read", "--scope", "events:read", "--json")
    assert made.exit_code == 0, made.output
    facts = json.loads(made.stdout)
    assert set(facts) == {"id", "token"}
    assert works(facts["token"]) == 200
    listed = token("list")
    assert "siem" in listed.stdout
    assert facts["token"] not in listed.stdout
    row = json.loads(token("list", "--json").stdout)
    assert (row["id"], row["name"], row["state"]) == (facts["id"], "siem", "valid")
    assert row["scopes"] == ["sessions:read", "events:read"]
    event = sql("SELECT actor, detail FROM audit_log WHERE event = 'api_token_created'")[0]
    assert event["actor"] == f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
    assert facts["token"] not in str(event["detail"])


def test_without_json_it_is_the_token_alone(token, works):
    assert works(token("create", "--name", "a", "--scope", "sessions:read").stdout.strip()) == 200


def test_revoked_by_name_all_of_it_goes_by_id_one(token, works, sql):
    made = [
        json.loads(token("create", "--name", "robot", "--scope", "sessions:read", "--json").stdout)
        for _ in range(3)
    ]
    assert json.loads(token("revoke", "--id", made[0]["id"], "--json").stdout) == {"revoked": 1}
    assert [works(each["token"]) for each in made] == [401, 200, 200]
    assert token("revoke", "--name", "robot").exit_code == 0
    assert [works(each["token"]) for each in made] == [401, 401, 401]
    assert len(sql("SELECT 1 FROM audit_log WHERE event = 'api_token_revoked'")) == 3
    again = token("revoke", "--name", "robot")
    assert again.exit_code == 1
    assert "no such token" in again.stderr


def test_an_expiry(token, sql):
    token("create", "--name", "a", "--scope", "events:read", "--expires", "30")
    assert sql("SELECT 1 FROM api_tokens WHERE expires_at > now() + interval '29 days'")


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("create", ["--name", "x"]),
        ("create", ["--scope", "sessions:read"]),
        ("create", ["--name", "a b", "--scope", "sessions:read"]),
        ("create", ["--name", "x\n", "--scope", "sessions:read"]),
        ("create", ["--name", "x" * 61, "--scope", "sessions:read"]),
        ("create", ["--name", "x", "--scope", "root"]),
        ("create", ["--name", "x", "--scope", "sessions:read", "--expires", "0"]),
        ("revoke", []),
        ("revoke", ["--id", "x"]),
        ("revoke", ["--name", "x", "--id", "6f1c1a52-0d3b-4a9e-9d59-0a2f4a3c1d00"]),
    ],
)
def test_a_wrong_call_is_2_and_changes_nothing(token, sql, command, options):
    assert token(command, *options).exit_code == 2
    assert sql("SELECT 1 FROM api_tokens") == []


def test_a_database_that_is_away_is_3(tmp_path):
    ini = instance.write_ini(tmp_path, 6543, 9011, "postgresql://nobody:x@127.0.0.1:1/none")
    answer = CliRunner().invoke(main, ["token", "list", str(ini)])
    assert answer.exit_code == 3
    assert "cannot be reached" in answer.stderr


def test_the_demonstration_keeps_its_token_as_long_as_it_is_good(apps, database_url, tmp_path, sql):
    ini = instance.write_ini(tmp_path, 6543, 9011, database_url)
    first = instance.api_token(tmp_path, ini, database_url)
    assert instance.api_token(tmp_path, ini, database_url) == first
    rows = sql("SELECT scopes FROM api_tokens")
    assert [row["scopes"] for row in rows] == [list(SCOPES)]
    assert (tmp_path / "api_token").stat().st_mode & 0o777 == 0o600
    sql("UPDATE api_tokens SET revoked_at = now()")
    assert instance.api_token(tmp_path, ini, database_url) != first
