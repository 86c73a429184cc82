"""`shopforum check`: nothing to mend in a good deployment, and each fault named with what mends it."""

from configparser import RawConfigParser
from datetime import UTC, datetime, timedelta

import pytest
import requests
from click.testing import CliRunner
from sqlalchemy import text
from support import APPLICATIONS, FAULTS_OF_TESTS, site_settings

from shopforum.cli.check import command
from shopforum.cli.checks import clock
from shopforum.core import migrations
from shopforum.core.engine import create_unpooled_engine
from shopforum.core.sites import SITES


@pytest.fixture
def deployment(tmp_path, database_url, idp, clean):
    """`deployment(key=value)`: an ini file like production's with some settings changed; None leaves one out."""

    def write(changes=None):
        settings = {**site_settings(database_url, idp.url), **(changes or {})}
        parser = RawConfigParser()
        parser["app:base"] = {"use": "egg:shopforum", **{k: v for k, v in settings.items() if v is not None}}
        for site in SITES:
            parser[f"app:{site}"] = {"use": "base", "shopforum.site": site}
        path = tmp_path / "deployed.ini"
        with path.open("w") as file:
            parser.write(file)
        path.chmod(0o600)
        return path

    return write


def check(path):
    result = CliRunner().invoke(command, [str(path)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_a_good_deployment(deployment):
    """test_check_faults.py has one without any fault. The role of the tests owns the tables, and no worker runs."""
    _, output = check(deployment())
    wrong = {line.split(":")[0] for line in output.splitlines() if line.startswith("WRONG")}
    assert wrong == {f"WRONG  {about}" for about in FAULTS_OF_TESTS}, output
    for word in ("database:", "migrations:", "FusionAuth:", "idp.api_key:", "store application:", "clock:"):
        assert word in output


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shopforum.secret": None}, "SHOPFORUM_SECRET"),
        ({"shopforum.store_url": "http://store.test"}, "https://"),
        ({"database.url": "postgresql://nobody:hunter2@127.0.0.1:1/none"}, "SHOPFORUM_DATABASE_URL"),
        ({"idp.url": "http://127.0.0.1:1"}, "no answer"),
        ({"idp.api_key": "x" * 40}, "SHOPFORUM_IDP_API_KEY"),
        ({"idp.store.client_secret": "development-client-secret-store"}, "SHOPFORUM_IDP_STORE_CLIENT_SECRET"),
        ({"idp.forums.application_id": "7d5f7b1c-7f5e-4b56-9a53-0a2f4a3c1dff"}, "idp.forums.application_id"),
        (
            {"shopforum.development": "true", "shopforum.store_url": "http://store.test"},
            "drop Secure cookies",
        ),
    ],
)
def test_faults_are_named(deployment, changes, said):
    code, output = check(deployment(changes))
    assert code == 1
    assert said in output
    assert "fix:" in output
    assert "hunter2" not in output


def test_a_key_that_may_not_look_at_users(deployment, idp):
    """Without it no session is refreshed."""
    idp.hook("fail", path="/api/user", times=1, status=401)
    code, output = check(deployment())
    assert code == 1
    assert "GET /api/user" in output


@pytest.mark.parametrize("content", [b"", b"[app:main]\n", b"no ini file \xff"])
def test_a_file_that_is_no_ini_file_is_reported(tmp_path, content):
    path = tmp_path / "wrong.ini"
    path.write_bytes(content)
    code, output = check(path)
    assert code == 1
    assert "WRONG  settings:" in output
    assert "fix:" in output


@pytest.mark.parametrize(
    ("password", "said"),
    [("hunter2", "set the role's password"), (None, "create the role and the database")],
)
def test_each_failure_to_connect_has_its_own_cure(deployment, server, password, said):
    """A cure that does not fit sends the operator to the wrong place."""
    url = server.url("no_such_database")
    code, output = check(
        deployment({"database.url": url.replace(server.password, password or server.password)})
    )
    assert code == 1
    assert said in output
    assert "start PostgreSQL" not in output


def test_more_connections_than_the_server_has(deployment):
    code, output = check(deployment({"database.pool_size": "400"}))
    assert code == 1
    assert "one process may take 1200" in output


def test_an_audit_log_without_its_guards(deployment, server, worker_id):
    name = f"unguarded_{worker_id}"
    url = server.create(name, template="template_shopforum")
    engine = create_unpooled_engine(url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit_log DISABLE TRIGGER ALL"))
    code, output = check(deployment({"database.url": url}))
    server.drop(name)
    assert code == 1
    assert "WRONG  audit log" in output


def test_migrations_that_have_not_run(deployment, empty_database):
    code, output = check(deployment({"database.url": empty_database}))
    assert code == 1
    assert f"at none, not at {migrations.head()}" in output
    assert "upgrade head" in output


@pytest.mark.parametrize("setting", ["generateRefreshTokens", "allowTokenRefresh", "requireAuthentication"])
def test_an_application_that_cannot_refresh(deployment, idp, setting):
    change = {"application": {"loginConfiguration": {setting: False}}}
    url = f"{idp.url}/api/application/{APPLICATIONS['forums']}"
    requests.patch(url, json=change, headers={"Authorization": idp.api_key}, timeout=60).raise_for_status()
    code, output = check(deployment())
    assert code == 1
    assert f"set loginConfiguration.{setting}" in output


def test_the_token_endpoint_needs_its_grant(deployment, idp):
    change = {"application": {"oauthConfiguration": {"enabledGrants": []}}}
    url = f"{idp.url}/api/application/{APPLICATIONS['store']}"
    requests.patch(url, json=change, headers={"Authorization": idp.api_key}, timeout=60).raise_for_status()
    assert "enabledGrants" not in check(deployment())[1]
    code, output = check(deployment({"idp.refresh_endpoint": "oauth2"}))
    assert code == 1
    assert "enabledGrants" in output


def test_a_clock_that_is_off(deployment, idp):
    idp.hook(
        "fail",
        path="/api/status",
        times=1,
        status=200,
        body={},
        headers={"Date": "Wed, 01 Jan 2020 00:00:00 GMT"},
    )
    code, output = check(deployment())
    assert code == 1
    assert "NTP" in output


@pytest.mark.parametrize(
    ("shown", "problem"),
    [(-6, "-6.0 s"), (-5, ""), (0, ""), (30, ""), (60, ""), (65, ""), (66, "+6.0 s")],
)
def test_a_slow_answer_is_not_taken_for_a_wrong_clock(shown, problem):
    """Asked at second 0, answered at second 60: what it showed in between says nothing against the clock."""
    at = [datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds) for seconds in (shown, 0, 60)]
    found = clock("database clock", *at)
    assert found.problem.partition(" from")[0] == problem
    assert bool(found.fine) is not bool(problem)


def test_a_provider_that_is_ill(deployment, idp):
    idp.hook("fail", path="/api/status", times=1, status=503)
    code, output = check(deployment())
    assert code == 1
    assert "answers 503" in output
