"""`shopforum check` as a doctor: each planted fault is found with the right cure, and a healthy deployment has none."""

import os
import socket
from collections.abc import Callable, Iterator
from configparser import RawConfigParser
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import requests
from click.testing import CliRunner
from sqlalchemy import make_url
from support import APPLICATIONS, person, site_settings

from shopforum.cli.check import command
from shopforum.core.durability import Durability
from shopforum.core.sites import SITES

# The server of the tests does not wait for the disk. The table at the end has what is said of others.
_OF_THE_TESTS = "fsync is off"


@pytest.fixture(scope="module")
def role(database_url: str, worker_id: str) -> Iterator[str]:
    """The database as a role reaches it that only has rights on the tables."""
    name = f"doctor_{worker_id}"
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'of-the-tests'")
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}")
        yield make_url(database_url).set(username=name, password="of-the-tests").render_as_string(False)
        cursor.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.fixture
def doctor(
    tmp_path: Path, role: str, database_url: str, idp: Any, clean: None, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, str]]:
    """`doctor(**changes)`: the faults that are found, by what they are about, each with its cure. A worker runs."""
    # Not `processes.seen`: the command runs in this process, whose row it writes.
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO processes (id, kind, host, pid) VALUES (gen_random_uuid(), 'worker', 'h', 1)"
        )
        connection.commit()

    def run(mode: int = 0o600, **changes: str) -> dict[str, str]:
        settings = {**site_settings(role, idp.url), **changes}
        parser = RawConfigParser()
        parser["app:base"] = {"use": "egg:shopforum", **settings}
        for site in SITES:
            parser[f"app:{site}"] = {"use": "base", "shopforum.site": site}
        path = tmp_path / "deployed.ini"
        with path.open("w") as file:
            parser.write(file)
        path.chmod(mode)
        done = CliRunner().invoke(command, [str(path)], catch_exceptions=False)
        lines = done.output.splitlines()
        found = {
            line.removeprefix("WRONG").strip().partition(":")[0]: f"{line}\n{cure.strip()}"
            for line, cure in pairwise(lines)
            if line.startswith("WRONG")
        }
        assert (done.exit_code == 0) == (not found)
        assert _OF_THE_TESTS in found.pop("durability", _OF_THE_TESTS)
        return found

    return run


def test_a_healthy_deployment_has_no_fault(doctor: Any) -> None:
    assert doctor() == {}


@pytest.mark.parametrize(
    ("changes", "about", "cure"),
    [
        ({"shopforum.secret": "a" * 40}, "shopforum.secret", "SHOPFORUM_SECRET"),
        (
            {"shopforum.secret": "tests-only-0123456789-0123456789-0123456789 " + "ab" * 20},
            "shopforum.secret",
            "SHOPFORUM_SECRET",
        ),
        ({"shopforum.development": "true"}, "development", "shopforum.development = false"),
        ({"sessions.idle": "99999999", "sessions.absolute": "60"}, "settings", "change"),
        ({"sessions.risk": "enfroce"}, "settings", "change"),
        ({"sessions.idel": "60"}, "settings", "change"),
        ({"idp.read_timeout": "6"}, "store lease", "lower idp.read_timeout"),
        ({"idp.url": "http://192.0.2.1:1"}, "idp.url", "https"),
        ({"idp.issuer": "https://elsewhere.example"}, "idp.issuer", "set idp.issuer ="),
        ({"idp.forums.application_id": APPLICATIONS["store"]}, "applications", "idp.forums.application_id"),
        (
            {
                "idp.store.application_id": APPLICATIONS["forums"],
                "idp.forums.application_id": APPLICATIONS["store"],
            },
            "idp.store.client_secret",
            "idp.store.application_id",
        ),
        (
            {
                "idp.store.client_secret": "tests-only-client-secret-of-forums",
                "idp.forums.client_secret": "tests-only-client-secret-of-store",
            },
            "idp.forums.client_secret",
            "SHOPFORUM_IDP_FORUMS_CLIENT_SECRET",
        ),
        (
            {"mail.host": "127.0.0.1", "mail.port": "1", "mail.from": "a@b.example"},
            "mail",
            "mail.host",
        ),
        (
            {
                "mail.host": "192.0.2.1",
                "mail.from": "a@b.example",
                "mail.tls": "none",
                "mail.password": "x",
            },
            "mail.tls",
            "starttls",
        ),
        (
            {
                "webhooks.out": "siem",
                "webhooks.siem.url": "https://127.0.0.1:1/hook",
                "webhooks.siem.secret": "whsec_" + "QUFB" * 8,
            },
            "webhook to siem",
            "webhooks.siem.url",
        ),
    ],
)
def test_a_setting_that_is_wrong(
    doctor: Any, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], about: str, cure: str
) -> None:
    # Addresses of documentation (RFC 5737) answer nobody: no test waits for that.
    monkeypatch.setattr(socket, "create_connection", _refusing_documentation(socket.create_connection))
    assert cure in doctor(**changes)[about].partition("\n")[2]


def _refusing_documentation(connect: Any) -> Any:
    def refuse(address: tuple[str, int], *rest: Any, **options: Any) -> Any:
        if address[0].startswith("192.0.2."):
            raise ConnectionRefusedError(111, os.strerror(111))
        return connect(address, *rest, **options)

    return refuse


def test_an_ini_file_that_everybody_can_read(doctor: Any) -> None:
    assert "chmod o-r" in doctor(mode=0o644)["ini file"]


def test_the_owner_s_role(doctor: Any, database_url: str) -> None:
    assert "superuser" in doctor(**{"database.url": database_url})["database role"]


@pytest.mark.parametrize(
    ("fault", "about", "cure"),
    [
        ("UPDATE processes SET seen_at = now() - interval '2 minutes'", "worker", "shopforum worker"),
        (
            "INSERT INTO processes (id, kind, host, pid) SELECT gen_random_uuid(), 'web', 'h', n FROM generate_series(1, 20) n",
            "connections",
            "max_connections",
        ),
        (
            """INSERT INTO audit_log (event, site, initiating_entity, actor, detail)
            VALUES ('audit_rows_lost', 'all', 'system', 'w', '{"rows": 3, "kept": 7}')""",
            "audit log",
            "shopforum recover",
        ),
        (
            """INSERT INTO outgoing_mail (recipient, subject, plain, html, site, created_at)
            VALUES ('a@b.example', '', '', '', 'store', now() - interval '2 hours')""",
            "mail",
            "worker's log",
        ),
        (
            """INSERT INTO api_tokens (hash, key_id, name, scopes, created_by, expires_at)
            VALUES ('x', '12345678', 'a', '{events:read}', 'b', now() + interval '1 day')""",
            "API tokens",
            "put the key back",
        ),
    ],
)
def test_faults_that_the_database_shows(
    doctor: Any, database_url: str, fault: str, about: str, cure: str
) -> None:
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(fault)
        connection.commit()
    assert cure in doctor()[about]


def test_two_people_take_two_owners_who_can_sign_in(doctor: Any, database_url: str, idp: Any) -> None:
    """An owner counts who has signed in to the console and is still one at FusionAuth."""

    def sign_in(user_id: Any) -> None:
        cursor.execute(
            """INSERT INTO sessions (site, user_id, user_name, roles, authenticated_at, absolute_end, idle_end, last_seen_at)
            VALUES ('admin', %s, 'Ann', '{owner}', now(), now(), now(), now())""",
            (str(user_id),),
        )
        connection.commit()

    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        said = {"admin.two_people": "true"}
        assert "no owner has signed in" in doctor(**said)["admin.two_people"]
        sign_in(person("owner").id)
        sign_in(person("responder").id)
        assert "one owner has signed in" in doctor(**said)["admin.two_people"]
        answer = requests.patch(
            f"{idp.url}/api/user/registration/{person('responder').id}",
            json={"registration": {"applicationId": APPLICATIONS["admin"], "roles": ["owner"]}},
            headers={"Authorization": idp.api_key},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        assert doctor(**said) == {}


def test_a_role_that_seals_and_may_not_note_its_key(doctor: Any, database_url: str, worker_id: str) -> None:
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(f"REVOKE INSERT ON audit_keys FROM doctor_{worker_id}")
        try:
            assert "GRANT INSERT, UPDATE ON audit_keys" in doctor()["database role"]
        finally:
            cursor.execute(f"GRANT INSERT ON audit_keys TO doctor_{worker_id}")


GOOD = {
    "fsync": True,
    "full_page_writes": True,
    "synchronous_commit": "on",
    "standby_names": "",
    "standbys": 0,
    "synchronous": 0,
}


@pytest.mark.parametrize(
    ("facts", "problem", "said"),
    [
        ({}, "", "not the loss of that disk"),
        ({"standbys": 2}, "", "2 asynchronous standbys may lose the last ones"),
        ({"standbys": 2, "standby_names": "ANY 1 (a, b)", "synchronous": 2}, "", "survives the loss of one"),
        ({"standby_names": "a", "synchronous_commit": "local"}, "", "not the loss of that disk"),
        ({"standby_names": "a", "synchronous_commit": "remote_write"}, "", "has reached the synchronous"),
        ({"fsync": False}, "fsync is off", "set fsync = on"),
        ({"full_page_writes": False}, "full_page_writes is off", "set full_page_writes = on"),
        ({"synchronous_commit": "off"}, "synchronous_commit is off", "set synchronous_commit = on"),
    ],
)
def test_how_durable_a_revocation_is(facts: dict[str, Any], problem: str, said: str) -> None:
    found = Durability(**{**GOOD, **facts})
    assert problem in found.problem
    assert bool(problem) == bool(found.problem)
    assert said in (found.fix if problem else found.text)
