"""The command line against this worker's database and provider."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from shopforum.cli import main


@pytest.fixture
def ini(write_ini: Callable[..., str], apps: dict[str, Any]) -> str:
    """An ini file for the sites as the tests run them."""
    return write_ini()


@pytest.fixture
def run(ini: str) -> Callable[..., Result]:
    """`run("list", "--json")`: `shopforum sessions list INI --json`."""

    def invoke(command: str, *options: object) -> Result:
        return CliRunner().invoke(
            main, ["sessions", command, ini, *map(str, options)], catch_exceptions=False
        )

    return invoke


@pytest.fixture
def lines(run: Callable[..., Result]) -> Callable[..., list[dict[str, Any]]]:
    """The same with --json, read as JSON lines."""

    def read(command: str, *options: object) -> list[dict[str, Any]]:
        answer = run(command, *options, "--json")
        return [json.loads(line) for line in answer.stdout.splitlines()]

    return read
