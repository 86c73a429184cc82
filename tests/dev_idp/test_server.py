"""Provisioning, start and stop, and what refuses to start."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing, suppress
from threading import Thread

import pytest
import requests
from sockets import free_port
from waiting import eventually

from shopforum.dev.idp import main
from shopforum.dev.idp.provision import provision
from shopforum.dev.idp.server import require_loopback, serve_in_thread

TENANT, STORE = str(uuid.uuid4()), str(uuid.uuid4())
STORE_CLIENT = {"store": {"id": STORE, "client_secret": "a secret"}}


def people(count):
    return [
        {
            "id": str(uuid.uuid5(uuid.UUID(TENANT), str(number))),
            "email": f"User{number}@example.com",
            "password": "demonstration",
            "firstName": "Ada",
            "lastName": str(number),
            "registrations": {STORE: ["shopper"]},
        }
        for number in range(count)
    ]


def sign_in(url, password="demonstration"):
    body = {"loginId": "user1@example.com", "password": password, "applicationId": STORE}
    return requests.post(f"{url}/api/login", json=body, headers={"Authorization": "key"}, timeout=30)


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "deep" / "idp.sqlite"
    provision(path, tenant_id=TENANT, applications=STORE_CLIENT, users=people(200))
    return path


def test_provisioning_again_changes_nothing_that_users_changed(database):
    with serve_in_thread(database, "key") as running:
        change = {"loginId": "user1@example.com", "password": "my own password"}
        headers = {"Authorization": "key"}
        url = f"{running.url}/api/user/change-password"
        assert requests.post(url, json=change, headers=headers, timeout=30).status_code == 200
        provision(database, tenant_id=TENANT, applications=STORE_CLIENT, users=people(201))
        assert sign_in(running.url).status_code == 404
        assert sign_in(running.url, "my own password").status_code == 200
        added = {"loginId": "user200@example.com", "password": "demonstration"}
        assert requests.post(f"{running.url}/api/login", json=added, headers=headers, timeout=30).ok


def test_provisioning_refuses_an_unknown_application(tmp_path):
    with pytest.raises(ValueError, match="blog"):
        provision(tmp_path / "idp.sqlite", tenant_id=TENANT, applications={"blog": STORE_CLIENT["store"]})


def test_tokens_and_keys_survive_a_restart_on_the_same_port(database):
    with serve_in_thread(database, "key") as first:
        body = sign_in(first.url).json()
    with pytest.raises(requests.ConnectionError):
        requests.get(first.url, timeout=30)
    with serve_in_thread(database, "key", first.port) as second:
        assert second.url == first.url
        again = requests.post(
            f"{second.url}/api/jwt/refresh", json={"refreshToken": body["refreshToken"]}, timeout=60
        )
        assert again.json()["refreshTokenId"] == body["refreshTokenId"]
        bearer = {"Authorization": f"Bearer {body['token']}"}
        assert requests.get(f"{second.url}/api/jwt/validate", headers=bearer, timeout=30).status_code == 200


def test_the_grace_survives_a_restart_and_the_file_holds_no_usable_secret(database):
    with serve_in_thread(database, "key") as running:
        policy = {"usage": "OneTimeUse", "grace_seconds": 60}
        requests.post(f"{running.hooks}/policy", json=policy, timeout=30).raise_for_status()
        first = sign_in(running.url).json()["refreshToken"]
        url = f"{running.url}/api/jwt/refresh"
        second = requests.post(url, json={"refreshToken": first}, timeout=30).json()["refreshToken"]
    with serve_in_thread(database, "key", running.port) as running:
        requests.post(f"{running.hooks}/policy", json=policy, timeout=30).raise_for_status()
        again = requests.post(url, json={"refreshToken": first}, timeout=30)
        assert again.json()["refreshToken"] == second
    for path in database.parent.iterdir():
        stored = path.read_bytes()
        for secret in (first, second, "demonstration", "a secret"):
            assert secret.encode() not in stored
        assert path.stat().st_mode & 0o077 == 0


def test_closing_twice_and_with_a_waiting_call(database):
    running = serve_in_thread(database, "key")
    requests.post(
        f"{running.hooks}/fail", json={"path": "/api", "delay_seconds": 300, "status": 500}, timeout=60
    )
    with socket.create_connection(("127.0.0.1", running.port), timeout=30) as connection:
        connection.sendall(b"GET /api/status HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while not requests.get(f"{running.hooks}/calls", timeout=30).json()["calls"]:
            pass
        running.close()
    running.close()
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "", "host.invalid", "\x00"])
def test_only_loopback_is_served(host):
    with pytest.raises(ValueError, match=r"loopback|host name"):
        require_loopback(host)


def test_loopback_addresses_are_served():
    for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        require_loopback(host)


def test_the_paste_factory_needs_its_settings(tmp_path):
    settings = {
        "devidp.enabled": "true",
        "devidp.database": str(tmp_path / "a.sqlite"),
        "devidp.api_key": "key",
    }
    assert main({}, **settings)
    for name in settings:
        with pytest.raises(ValueError, match=name):
            main({}, **{other: value for other, value in settings.items() if other != name})
    with pytest.raises(ValueError, match="enabled = true"):
        main({}, **settings | {"devidp.enabled": "false"})


def command(database, *more):
    return [sys.executable, "-m", "shopforum.dev.idp", "--database", str(database), "--api-key", "key", *more]


def test_the_process_serves_says_so_and_ends(database):
    port = free_port()
    arguments = command(database, "--development", "--port", str(port))
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout.readline() == (
            f"development identity provider listening on http://127.0.0.1:{port}\n"
        )
        assert sign_in(f"http://127.0.0.1:{port}").status_code == 200
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        assert process.stdout.read() == ""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "--development"),
        (["--development", "--host", "0.0.0.0"], "loopback"),
        (["--development", "--port", "0"], "port"),
    ],
)
def test_the_process_refuses(tmp_path, more, said):
    done = subprocess.run(
        command(tmp_path / "idp.sqlite", *more), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="waits for signals as Linux has them")
def test_the_process_ends_by_any_number_of_signals_while_a_call_waits(database):
    """A handler that takes a lock hung for ever when a second signal came while the first held it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    def ask():
        with suppress(requests.RequestException):
            requests.get(f"{url}/api/status", timeout=60)

    arguments = command(database, "--development", "--port", str(port))
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert "listening" in process.stdout.readline()
            fault = {"path": "/api/status", "times": 1, "delay_seconds": 300}
            requests.post(f"{url}/hooks/fail", json=fault, timeout=60).raise_for_status()
            waiting = Thread(target=ask)
            waiting.start()
            eventually(lambda: requests.get(f"{url}/hooks/calls", timeout=60).json()["calls"])

            def ended():
                for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
                    process.send_signal(number)
                return process.poll() is not None

            eventually(ended)
            waiting.join(60)
            assert not waiting.is_alive()
        finally:
            process.kill()
