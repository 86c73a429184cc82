"""The wheel in a clean environment, with production's packages alone, used by somebody who may not write there."""

import re
import signal
import subprocess

import pytest
import requests
from sockets import free_port
from waiting import eventually

from shopforum.core.sites import SITES

from .conftest import PIP, held, locked_names

_IMPORT_ALL = """
import importlib, pkgutil, shopforum
for found in pkgutil.walk_packages(shopforum.__path__, "shopforum."):
    if not found.name.startswith("shopforum.dev") and not found.name.endswith("__main__"):
        importlib.import_module(found.name)
"""


_EXPLAIN_ALL = """
import click
from click.testing import CliRunner
from shopforum.cli import main

def walk(command, words):
    answer = CliRunner().invoke(main, [*words, "--help"], catch_exceptions=False)
    assert answer.exit_code == 0 and len(answer.output) > 50, words
    print(words[-1:] and words[-1])
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            walk(command.get_command(context, name), [*words, name])

walk(main, [])
"""


def ready(port, site):
    try:
        answer = requests.get(f"http://127.0.0.1:{port}/readyz", headers={"Host": f"{site}.test"}, timeout=60)
    except requests.ConnectionError:
        return False
    return answer.status_code == 200


def test_it_holds_what_is_locked_and_no_more_and_the_set_is_consistent(environment):
    assert held(environment) == locked_names() | {"shopforum"}
    done = subprocess.run(
        [*PIP, "--python", str(environment), "check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_every_module_of_production_can_be_imported(installed):
    done = installed.run("python", "-c", _IMPORT_ALL)
    assert done.returncode == 0, done.stderr


def test_each_command_explains_itself_and_those_of_development_say_how_to_get_them(installed):
    listed = installed.shopforum("--help")
    names = re.findall(r"(?m)^  ([a-z]+)  ", listed.partition("Commands:")[2])
    assert {"audit", "check", "init", "migrate", "sessions", "token", "worker"} <= set(names)
    assert "dev" not in names
    assert "pip install 'shopforum[dev]'" in listed
    explained = installed.run("python", "-c", _EXPLAIN_ALL)
    assert explained.returncode == 0, explained.stderr
    assert {*names, "list", "revoke", "tail", "verify"} <= set(explained.stdout.split())
    done = installed.run("shopforum", "dev")
    assert done.returncode == 2
    assert "pip install 'shopforum[dev]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_from_an_empty_database_to_a_good_deployment(installed, ini, empty_database):
    path = ini()
    environ = {**installed.environ, "SHOPFORUM_DATABASE_URL": empty_database}
    fresh = type(installed)(installed.bin, installed.work, environ)
    assert "at no migration" in fresh.shopforum("migrate", path, "--dry-run")
    upgraded = fresh.run("alembic", "-c", path, "upgrade", "head")
    assert upgraded.returncode == 0, upgraded.stderr
    assert "nothing to do" in fresh.shopforum("migrate", path)
    # Nothing else is wrong than what the tests' server is like, and that no worker runs yet.
    done = fresh.run("shopforum", "check", path)
    wrong = {line.split(":")[0] for line in done.stdout.splitlines() if line.startswith("WRONG")}
    assert wrong == {"WRONG  autovacuum", "WRONG  database role", "WRONG  durability", "WRONG  worker"}, (
        done.stdout
    )


def test_the_commands_of_an_operator_work(installed, ini):
    path = ini()
    assert "0 sessions." in installed.shopforum("sessions", "list", path)
    make = ("token", "create", path, "--scope", "sessions:read", "--name")
    installed.shopforum(*make, "one")
    installed.shopforum("worker", path, "--once")
    installed.shopforum("audit", "verify", path)
    with installed.running("shopforum", "worker", path) as worker:
        installed.shopforum(*make, "two")
        eventually(lambda: b"audit.sealed" in (installed.work / "log").read_bytes(), 60)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0, (installed.work / "log").read_text()


@pytest.mark.parametrize("alone", [None, *SITES])
def test_pserve_serves_the_sites_together_and_each_alone(installed, ini, alone):
    port = free_port()
    options = ["--app-name", alone] if alone else []
    with installed.running("pserve", ini(port), *options) as process:
        for site in (alone,) if alone else SITES:
            eventually(lambda site=site: ready(port, site) or process.poll() is not None, 60)
            assert ready(port, site), (installed.work / "log").read_text()
        page = requests.get(
            f"http://127.0.0.1:{port}/login",
            headers={"Host": f"{alone or 'store'}.test", "X-Forwarded-Proto": "https"},
            timeout=60,
        )
        assert page.status_code == 200, page.text
        assert 'name="password"' in page.text
