"""While FusionAuth is away the console's login page says what waits, why, and which command does it."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from page_forms import form_of
from support import Browser, person

from shopforum.cli import main
from shopforum.operations import commands

SESSION, OTHER = "6f1c1a52-0d3b-4a9e-9d59-0a2f4a3c1d00", "6f1c1a52-0d3b-4a9e-9d59-0a2f4a3c1d01"


@pytest.mark.parametrize(
    ("page", "command"),
    [
        ("/revoke-everyone", "sessions revoke production.ini --everyone --reason incident"),
        ("/revoke-everyone?site=store", "sessions revoke production.ini --site store --reason incident"),
        ("/revoke-everyone?site=x", "sessions revoke production.ini --everyone --reason incident"),
        (
            f"/sessions/revoke?filter={quote('ip=203.0.113.0/24&site=store')}",
            "sessions revoke production.ini --site store --ip 203.0.113.0/24 --reason incident",
        ),
        (
            f"/sessions/quarantine?session={SESSION}&session={OTHER}",
            f"sessions quarantine production.ini --session {SESSION} --session {OTHER} --reason incident",
        ),
        (
            f"/sessions/revoke?user={SESSION}",
            f"sessions revoke production.ini --user {SESSION} --reason incident",
        ),
        (f"/rules/{SESSION}/lift", f"sessions rule lift production.ini {SESSION}"),
        ("/rules", "sessions rule add production.ini --ip ADDRESS --reason incident"),
        (f"/incidents/{SESSION}/contain", f"sessions incident contain production.ini {SESSION}"),
        ("/tokens", "token --help"),
        ("/", "sessions list production.ini"),
        ("/sessions/revoke?session=%3Brm", "sessions list production.ini"),
        (f"/sessions/revoke?filter={quote('ip=$(id)')}", "sessions list production.ini"),
        ("/rules/$(id)/lift", "sessions list production.ini"),
    ],
)
def test_the_command_of_a_page(page: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert commands.for_page(page) == f"shopforum {command}"
    # The command line has it, with these options: all that is missing here is the ini file.
    answer = CliRunner().invoke(main, shlex.split(command))
    assert answer.exit_code == 0 or "'production.ini' does not exist" in answer.stderr


def test_nothing_of_a_link_escapes_into_the_shell():
    evil = "device=x'; rm -rf / #&user=$(id)`id`\n--everyone"
    command = commands.for_page(f"/sessions/revoke?filter={quote(evil)}")
    words = shlex.split(command)
    assert words[:5] == ["shopforum", "sessions", "revoke", "production.ini", "--user"]
    assert words[5:] == ["$(id)`id` --everyone", "--device", "x'; rm -rf / #", "--reason", "incident"]


def test_the_login_page_names_the_command(browser: Callable[..., Browser], idp: Any, later: Any):
    client = browser("admin")
    client.log_in("owner")
    later(301)
    asked = client.get("/revoke-everyone?site=store", status=302).follow()
    idp.hook("fail", path="/api/login", times=5, status=503)
    form = form_of(asked, "/login")
    form["password"] = person("owner").password
    page = form.submit(status=503)
    assert "no password can be checked" in page
    assert "shopforum sessions revoke production.ini --site store --reason incident" in page
    assert "signed out" not in page
    assert client.get("/").status_int == 200
    # The customers' sites say nothing of it.
    shop = browser("store").log_in("shopper", status=503)
    assert "production.ini" not in shop
