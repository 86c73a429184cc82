"""`shopforum drill`: each rehearsal runs, and goes as docs/operations.md says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from shopforum.cli import main
from shopforum.dev import drill


@pytest.fixture
def migrated(server: Any, database_url: str, worker_id: str) -> Iterator[str]:
    """The name of a migrated database for one test."""
    name = f"drill_{worker_id}"
    server.create(name, template="template_shopforum")
    yield name
    server.drop(name)


def test_a_key_is_replaced_and_nobody_is_signed_out(server: Any, migrated: str) -> None:
    report = drill.replace_key(server.url(migrated))
    assert report.ok, report
    assert report.lost == {"sessions": 0, "API tokens": 0}
    [unsafe] = [step for step in report.steps if step.name.startswith("unsafe")]
    assert unsafe.result.startswith("5 of 5 new sessions refused")


def test_a_restore_brings_back_what_was_ended_and_recover_ends_it(
    server: Any, migrated: str, tmp_path: Path
) -> None:
    report = drill.restore_dump(tmp_path, server, migrated)
    assert report.ok, report
    assert report.lost == {"revocations of sessions": 10, "revocations of API tokens": 1}


def test_a_failover_to_a_standby_that_is_behind_loses_revocations_and_is_noticed() -> None:
    done = CliRunner().invoke(main, ["drill", "failover", "--asynchronous", "--json"], catch_exceptions=False)
    report = json.loads(done.output)
    assert (done.exit_code, report["ok"]) == (0, True), report
    # How many depends on what the standby had already received.
    assert sum(report["lost"].values()) > 0
    assert "sessions into quarantine" in report["steps"][-1]["result"]
