"""Webhooks in operation: what `shopforum check` says of them, and the worker that sends them."""

import base64
from collections.abc import Callable
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support import Browser, Idp, checked, person, site_settings
from webhooks.webhook_peers import Receiver

from shopforum.cli import worker
from shopforum.core.sites import SITES

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()


@pytest.fixture
def deployment(tmp_path: Path, database_url: str, idp: Idp) -> Callable[..., str]:
    """`deployment(**settings)`: an ini file; names have `__` for a dot."""

    def write(**changes: str) -> str:
        parser = RawConfigParser()
        named = {name.replace("__", "."): value for name, value in changes.items()}
        parser["app:base"] = {"use": "egg:shopforum", **site_settings(database_url, idp.url), **named}
        for site in SITES:
            parser[f"app:{site}"] = {"use": "base", "shopforum.site": site}
        path = tmp_path / "deployed.ini"
        with path.open("w") as file:
            parser.write(file)
        path.chmod(0o600)
        return str(path)

    return write


def test_check_says_what_is_off(deployment: Callable[..., str], apps: Any) -> None:
    wrong, output = checked(deployment())
    assert not wrong
    assert "webhooks from FusionAuth: off" in output
    assert "mail: off" in output


def test_check_says_where_it_listens(deployment: Callable[..., str], apps: Any) -> None:
    wrong, output = checked(deployment(webhooks__fusionauth="RS256"))
    assert not wrong
    assert "RS256 at https://admin.test/webhooks/fusionauth" in output


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"webhooks__fusionauth": "ES256"}, "publishes no key for ES256"),
        ({"webhooks__fusionauth": "HS256"}, "webhooks.fusionauth_secret"),
        ({"mail__host": "localhost"}, "mail.from"),
        ({"webhooks__out": "siem"}, "webhooks.siem.url"),
    ],
)
def test_check_names_what_is_wrong(
    deployment: Callable[..., str], apps: Any, changes: dict[str, str], said: str
) -> None:
    wrong, output = checked(deployment(**changes))
    assert wrong
    assert said in output


def test_the_worker_delivers_and_check_names_who_is_behind(
    deployment: Callable[..., str], receiver: Receiver, store: Browser, sql: Any, tmp_path: Path
) -> None:
    ini = deployment(
        shopforum__development="true",
        webhooks__out="siem",
        webhooks__siem__url=receiver.url,
        webhooks__siem__secret=SECRET,
        mail__folder=str(tmp_path / "mail"),
    )
    run = CliRunner().invoke
    assert run(worker.command, [ini, "--once"], catch_exceptions=False).exit_code == 0
    store.log_in("shopper")
    sql(
        "INSERT INTO outgoing_mail (recipient, subject, plain, html) VALUES (:to, 's', 'p', 'h')",
        to=person("shopper").email,
    )
    receiver.answers = [500]
    run(worker.command, [ini, "--once"], catch_exceptions=False)
    assert len(receiver.got) == len(list((tmp_path / "mail").iterdir())) == 1
    wrong, output = checked(ini)
    assert wrong
    assert "webhook to siem: answered 500; " in output
    sql("UPDATE webhook_endpoints SET next_try_at = now()")
    run(worker.command, [ini, "--once"], catch_exceptions=False)
    assert [one["status"] for one in receiver.got] == [500, 204]
    assert "webhook to siem: no delivery has failed" in checked(ini)[1]


def test_applied_events_are_forgotten_after_a_day(deployment: Callable[..., str], sql: Any) -> None:
    sql(
        "INSERT INTO webhook_events (id, type, taken_at) VALUES (gen_random_uuid(), 'old', now() - interval '25 hours'),"
        " (gen_random_uuid(), 'new', now())"
    )
    CliRunner().invoke(worker.command, [deployment(), "--once"], catch_exceptions=False)
    assert [row["type"] for row in sql("SELECT type FROM webhook_events")] == ["new"]
