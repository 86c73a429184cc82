"""A server that is told to end says so, serves what it has, and ends; a closed terminal does not end it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from configparser import RawConfigParser
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest
from sockets import free_port, request, send
from waiting import eventually

from shopforum.core.sites import SITES

PSERVE = Path(sys.executable).with_name("pserve")


@pytest.fixture
def serving(tmp_path, settings, apps):
    """`with serving(leave_seconds=…) as (process, port, log):` the store under pserve."""

    @contextmanager
    def start(**options):
        port = free_port()
        parser = RawConfigParser()
        for site in SITES:
            parser[f"app:{site}"] = {"use": "egg:shopforum", **settings(site)}
        parser["composite:main"] = {"use": "egg:shopforum#hosts", "sites": " ".join(SITES)}
        parser["server:main"] = {"use": "egg:shopforum#main", "listen": f"127.0.0.1:{port}", **options}
        ini, log = tmp_path / "served.ini", tmp_path / "log"
        with ini.open("w") as file:
            parser.write(file)
        with log.open("wb") as output:
            process = subprocess.Popen([PSERVE, str(ini)], stderr=output, stdout=output)
        try:
            eventually(lambda: status(port, "/readyz") == 200 or process.poll() is not None)
            yield process, port, log
        finally:
            process.kill()
            process.wait()

    return start


def status(port, path):
    """The status of a response; 0 if no connection is accepted."""
    try:
        return send(port, request("GET", path, host="10.0.0.1")).status
    except ConnectionError:
        return 0


def test_sigterm_lets_requests_finish_and_sighup_is_ignored(serving, database_url):
    with (
        serving(leave_seconds="60") as (process, port, log),
        closing(psycopg2.connect(database_url)) as other,
    ):
        process.send_signal(signal.SIGHUP)
        # A page that waits for a lock until the test lets it go.
        other.cursor().execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        answers = []
        waiting = threading.Thread(
            target=lambda: answers.append(send(port, request("GET", "/products"), 30).status)
        )
        waiting.start()
        with other.cursor() as cursor:
            eventually(lambda: locked(cursor))
        idle = socket.create_connection(("127.0.0.1", port))
        process.send_signal(signal.SIGTERM)
        eventually(lambda: status(port, "/readyz") == 503)
        assert status(port, "/healthz") == 200, "the balancer has a minute to notice"
        # A proxy that keeps connections would else send a form on one that is about to be closed.
        kept = send(port, request("GET", "/forums").replace("Connection: close\r\n", ""))
        assert kept.header("Connection") == "close"
        # A second signal ends the wait.
        process.send_signal(signal.SIGTERM)
        eventually(lambda: status(port, "/healthz") == 0)
        assert process.poll() is None, "a request is under way"
        other.rollback()
        waiting.join()
        assert answers == [200]
        assert process.wait(20) == 0, log.read_text()
        idle.close()
    said = log.read_text()
    [started] = [json.loads(line) for line in said.splitlines() if '"server.started"' in line]
    assert started["frozen_objects"] > 100_000, "the garbage collector walks these no more"
    assert '"event": "server.ending"' in said
    assert '"event": "server.stopped"' in said


def locked(cursor):
    cursor.execute(
        "SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
        " WHERE NOT granted AND d.datname = current_database()"
    )
    return cursor.fetchone() is not None


def test_a_request_that_never_ends_is_cut_off(serving, database_url):
    with (
        serving(drain_seconds="0.5") as (process, port, log),
        closing(psycopg2.connect(database_url)) as other,
    ):
        other.cursor().execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        waiting = threading.Thread(target=lambda: send(port, request("GET", "/products"), 30))
        waiting.start()
        with other.cursor() as cursor:
            eventually(lambda: locked(cursor))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, log.read_text()
        waiting.join()


def pids(sql):
    return {row["pid"] for row in sql("SELECT pid FROM processes WHERE kind = 'web' AND ended_at IS NULL")}


def test_several_processes_serve_a_lost_one_is_replaced_and_all_end_together(serving, sql):
    with serving(processes="3", leave_seconds="60") as (process, port, log):
        eventually(lambda: status(port, "/readyz") == 200 and len(pids(sql)) == 3)
        assert process.pid not in pids(sql)
        lost, other, _ = pids(sql)
        os.kill(lost, signal.SIGKILL)
        eventually(lambda: status(port, "/readyz") == 200 and len(pids(sql) - {lost}) == 3)
        process.send_signal(signal.SIGTERM)
        eventually(lambda: all(status(port, "/readyz") == 503 for _ in range(6)))
        assert status(port, "/healthz") == 200, "the balancer has a minute to notice"
        # A second signal ends the wait, of all of them.
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, log.read_text()
        assert pids(sql) <= {lost}
        with pytest.raises(ProcessLookupError):
            os.kill(other, 0)
    said = log.read_text()
    assert said.count('"server.started"') == 4
    assert said.count('"server.stopped"') == 3
    assert said.count('"server.lost"') == 1


def test_processes_end_when_their_supervisor_is_gone(serving, sql):
    with serving(processes="2") as (process, port, log):
        eventually(lambda: status(port, "/readyz") == 200 and len(pids(sql)) == 2)
        process.kill()
        eventually(lambda: log.read_text().count('"server.stopped"') == 2)
        assert pids(sql) == set()


def test_a_wrong_setting_is_reported_and_not_retried(serving):
    with serving(processes="2", trusted_proxy="nonsense") as (process, _, log):
        assert process.wait(20) == 1, log.read_text()
        assert "trusted_proxy in [server:main] takes addresses and networks" in log.read_text()
        assert '"server.started"' not in log.read_text()


# A supervisor of one process, on a machine that has no room for a second one at first. SIGCHLD is ignored, as some init systems do.
NO_ROOM = """
import os, signal, sys, time
from shopforum.core.supervisor import Supervisor
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
fork, left = os.fork, [2]
def scarce():
    if not left[0]:
        return fork()
    left[0] -= 1
    raise BlockingIOError(11, "Resource temporarily unavailable")
os.fork = scarce
def work(slot, lives):
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(60)
Supervisor(1, work, seconds=5, release=lambda: None).run()
print("ended")
"""


def test_a_process_that_cannot_be_started_now_is_started_later():
    done = subprocess.run(
        [sys.executable, "-c", NO_ROOM], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout.count("server.not_started") == 2, done
    assert done.stdout.endswith("ended\n"), done
    assert "server.lost" not in done.stdout
