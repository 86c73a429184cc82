"""`shopforum worker`: what is due is done, and an interrupted worker ends."""

import json
import signal
import socket
import subprocess
import sys
import uuid
from contextlib import closing

import pytest
import requests
from click.testing import CliRunner
from sqlalchemy import text
from waiting import eventually

from shopforum.cli.worker import command
from shopforum.core import processes


@pytest.fixture
def ini(write_ini):
    return write_ini()


@pytest.fixture
def db(apps):
    return apps["store"].services.db


def owe(db):
    """A revocation that FusionAuth has yet to hear of."""
    revocation = db.one(
        text(
            "insert into revocations (scope, site, initiating_entity, actor, reason_code, matched)"
            " values ('site', 'store', 'admin', 'a test', 'other', 0) returning id"
        )
    )["id"]
    db.all(
        text(
            "insert into revocation_outbox (revocation_id, site, user_id) values (:revocation, 'store', :user)"
        ),
        revocation=revocation,
        user=uuid.uuid4(),
    )


def unpaid(db):
    return db.one(text("select count(*) as open from revocation_outbox where done_at is null"))["open"]


def test_once_does_what_is_due_and_ends(ini, db, idp):
    owe(db)
    db.all(text("insert into login_devices (device, account, last_at) values ('x', 'y', '2001-01-01')"))
    result = CliRunner().invoke(command, [ini, "--once"], catch_exceptions=False)
    assert result.exit_code == 0
    assert unpaid(db) == 0
    assert [call["method"] for call in idp.calls("/api/jwt/refresh")] == ["DELETE"]
    assert db.all(text("select 1 from login_devices")) == []


def test_it_works_until_it_is_told_to_end(write_ini, db, idp, tmp_path):
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    ini = write_ini(**{"metrics.worker_listen": address})
    with (tmp_path / "log").open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "shopforum.cli", "worker", ini], stderr=output)
    try:
        for _ in range(2):
            owe(db)
            eventually(lambda: unpaid(db) == 0)
            # A closed terminal does not end it.
            process.send_signal(signal.SIGHUP)
        assert processes.running(db, processes.WORKER, 60) == 1
        [row] = db.all(text("select pid, kind from processes where pid = :pid"), pid=process.pid)
        assert row["kind"] == "worker"
        metrics = requests.get(f"http://{address}/metrics", timeout=60).text
        assert 'shopforum_processes{kind="worker"} 1.0' in metrics
        assert 'shopforum_backlog_rows{backlog="revocation_outbox"} 0.0' in metrics
        assert "shopforum_fusionauth_seconds_count" in metrics
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert processes.running(db, processes.WORKER, 60) == 0
    said = (tmp_path / "log").read_text()
    [started] = [json.loads(line) for line in said.splitlines() if '"worker.started"' in line]
    assert started["frozen_objects"] > 100_000, "the garbage collector walks these no more"
    assert '"worker.stopped"' in said


def test_the_reason_why_it_cannot_work_is_named(tmp_path, write_ini):
    away = write_ini(**{"database.url": "postgresql://nobody:secret-word@127.0.0.1:1/none"})
    empty = tmp_path / "empty.ini"
    empty.touch()
    for path, code, said in ((away, 3, "database cannot be reached"), (empty, 2, "cannot be used")):
        result = CliRunner().invoke(command, [str(path), "--once"])
        assert result.exit_code == code, result.exception
        assert said in result.stderr
        assert "secret-word" not in result.output
