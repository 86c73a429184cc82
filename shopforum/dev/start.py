"""`shopforum dev`: start everything on one machine: database, identity provider, worker and the three sites.

The sites are served by this process; the others are its children and end with it. All data is in one folder.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, NoReturn

import click
import plaster
import psycopg2
from alembic.util import CommandError
from pyramid.paster import get_app

from shopforum.core import migrations
from shopforum.core.sites import SITES, TITLES
from shopforum.serving import Server

from . import certificates, instance, postgres, processes, sample, tls_relay
from .certificates import ServerCertificate
from .processes import StartError

# The child processes of a killed start take a moment to end.
_LOCK_SECONDS = 3
_WORKER_LOG = "worker.log"


@click.command
@click.option(
    "--data-dir", default=".data", type=click.Path(file_okay=False, path_type=Path), show_default=True
)
@click.option(
    "--port", default=6543, type=click.IntRange(1, 65535), show_default=True, help="Port of the three sites."
)
@click.option("--idp-port", default=9011, type=click.IntRange(1, 65535), show_default=True)
@click.option("--database", metavar="URL", help="A running PostgreSQL to use. Without it, one is started.")
@click.option("--no-seed", is_flag=True, help="Leave out the sample data. The demo logins exist in any case.")
@click.option(
    "--tls", is_flag=True, help="Serve https, with a certificate authority of its own in the folder."
)
def command(data_dir: Path, port: int, idp_port: int, database: str | None, no_seed: bool, tls: bool) -> None:
    """Start the store, the forums, the console and what they need. Ctrl-C stops everything."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    # The ini file alone decides: variables that the shell has set for another instance are removed.
    for name in [name for name in os.environ if name.startswith("SHOPFORUM_")]:
        del os.environ[name]
    try:
        _run(data_dir.resolve(), port, idp_port, database, seed=not no_seed, tls=tls)
    except StartError as error:
        raise click.ClickException(str(error)) from None


def _end(_number: int, _frame: Any) -> NoReturn:
    """End on the first signal. A second signal would interrupt the end of the child processes, and leave some running."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(0)


def _run(folder: Path, port: int, idp_port: int, database: str | None, *, seed: bool, tls: bool) -> None:
    with ExitStack() as stack:
        lock = stack.enter_context(_only_one(folder))
        if port == idp_port:
            raise StartError(f"--port and --idp-port are both {port}: give two different ports")
        _require_free(port, "--port")
        _require_free(idp_port, "--idp-port")
        # A killed process leaves dev.json behind. Its readers would take this start for a running instance.
        (folder / "dev.json").unlink(missing_ok=True)
        if database is None:
            click.echo("Starting PostgreSQL ...")
            # Every server of this folder holds the lock that is ours now. After a reboot PostgreSQL would take the number
            # in its own file for a server that runs, if any process has it.
            (folder / "postgres" / "postmaster.pid").unlink(missing_ok=True)
            server = stack.enter_context(postgres.running(folder, keep=[lock]))
            database = server.create("shopforum")
        tls_certificate = certificates.server_certificate(folder / "tls") if tls else None
        ini = instance.write_ini(folder, port, idp_port, database, "https" if tls else "http")
        click.echo("Migrating the database ...")
        try:
            migrations.upgrade(database)
        except CommandError:
            raise StartError(
                f"the data in {folder} was made by another version: remove the folder, or give another --data-dir"
            ) from None
        idp_database = folder / "idp.sqlite"
        sample.provision(instance.base_settings(ini), idp_database)
        seeded = folder / "seeded"
        if seed and not seeded.exists():
            click.echo("Making the sample data, once ...")
            sample.seed(ini, idp_database)
            seeded.touch()
        click.echo("Starting the identity provider, the worker and the sites ...")
        idp_pid = stack.enter_context(_idp(folder, ini, idp_port, lock, tls_certificate))
        worker = stack.enter_context(_worker(folder, ini, lock))
        token = instance.api_token(folder, ini, database)
        facts = instance.facts(ini, idp_port, database, idp_pid, token)
        if tls_certificate:
            facts["tls"] = {"ca": str(tls_certificate.authority), "spki": tls_certificate.spki}
        _serve(folder, ini, facts, tls_certificate, partial(_wait_for_worker, worker, folder, database))


@contextmanager
def _only_one(folder: Path) -> Iterator[int]:
    """Lock the folder for this process and its child processes, which inherit the lock. The last of them releases it."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    with (folder / "lock").open("w") as lock:
        deadline = time.monotonic() + _LOCK_SECONDS
        while not _locked(lock):
            if time.monotonic() > deadline:
                raise StartError(f"{folder} is in use: stop what runs there, or give another --data-dir")
            time.sleep(0.1)
        yield lock.fileno()


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _require_free(port: int, option: str) -> None:
    if not processes.is_free(port):
        raise StartError(
            f"port {port} is taken: stop what listens there, or choose another, as in"
            f" `shopforum dev {option} {port + 1}` or `make run ARGS='{option} {port + 1}'`"
        )


@contextmanager
def _idp(
    folder: Path, ini: Path, port: int, lock: int, certificate: ServerCertificate | None
) -> Iterator[int]:
    """Run the identity provider; yield its process id."""
    key = instance.base_settings(ini)["idp.api_key"]
    options = [
        "--database",
        str(folder / "idp.sqlite"),
        "--port",
        str(port),
        # As one argument with `=`: a key may begin with a dash.
        f"--api-key={key}",
        f"--webhook={_webhook(ini)}",
        f"--mail-folder={folder / 'mail'}",
        *([f"--webhook-ca={certificate.authority}"] if certificate else []),
        "--development",
    ]
    log = folder / "idp.log"
    before = log.stat().st_size if log.exists() else 0
    with processes.child([sys.executable, "-m", "shopforum.dev.idp", *options], log, keep=[lock]) as process:
        # Wait for its own message: if another process has taken the port, a request would get that process's answer.
        processes.wait_until(lambda: b"listening on" in log.read_bytes()[before:], process, log)
        yield process.pid


def _webhook(ini: Path) -> str:
    """Return the address at which the sites receive the identity provider's webhooks."""
    return f"{instance.base_settings(ini)['shopforum.admin_url']}/webhooks/fusionauth"


@contextmanager
def _worker(folder: Path, ini: Path, lock: int) -> Iterator[subprocess.Popen[bytes]]:
    with processes.child(
        [sys.executable, "-m", "shopforum.cli", "worker", str(ini)], folder / _WORKER_LOG, keep=[lock]
    ) as process:
        yield process


def _wait_for_worker(process: subprocess.Popen[bytes], folder: Path, database: str) -> None:
    """Wait for the worker's first sign of life: without one `check` would say that none runs. Another's sign may be a minute old."""
    with closing(psycopg2.connect(database)) as connection, connection.cursor() as cursor:
        connection.autocommit = True

        def has_given_sign_of_life() -> bool:
            cursor.execute(
                "SELECT FROM processes WHERE kind = 'worker' AND pid = %s AND ended_at IS NULL", [process.pid]
            )
            return cursor.fetchone() is not None

        processes.wait_until(has_given_sign_of_life, process, folder / _WORKER_LOG)


def _serve(
    folder: Path,
    ini: Path,
    facts: dict[str, Any],
    certificate: ServerCertificate | None,
    wait_for_worker: Callable[[], None],
) -> None:
    """Serve the sites until the process is terminated. `ready` is printed, and dev.json written, once the sites answer and the
    worker works.
    """
    options: dict[str, Any] = dict(plaster.get_settings(str(ini), "server:main"))
    options.pop("use")
    with ExitStack() as stack:
        if certificate:
            host, port = options["listen"].split(":")
            listener = stack.enter_context(socket.create_server((host, int(port))))
            options |= {"listen": f"{host}:0", "url_scheme": "https"}
        server = Server(get_app(str(ini)), **options)
        if certificate:
            stack.enter_context(tls_relay.relaying(listener, certificate.context(), server.addresses[0]))
        wait_for_worker()
        instance.write_private(folder / "dev.json", json.dumps(facts, indent=2) + "\n")
        click.echo(_table(facts))
        click.echo("ready")
        try:
            server.run()
        finally:
            server.close()
            (folder / "dev.json").unlink()
    click.echo("Stopped.")


def _table(facts: dict[str, Any]) -> str:
    """Return the table of addresses and logins."""
    rows = [(TITLES[site], facts[site]) for site in SITES]
    program = _from_here(Path(sys.executable).with_name("shopforum"))
    rows += [
        ("Identity provider", facts["idp"]),
        ("Admin API", f"{facts['admin']}/api/v1/openapi.json"),
        ("Mail goes to", _from_here(Path(facts["ini"]).parent / "mail")),
        ("Command line", f"{program} check {_from_here(Path(facts['ini']))}"),
    ]
    if "tls" in facts:
        rows.append(("Authority to trust", _from_here(Path(facts["tls"]["ca"]))))
    lines = ["", *(f"  {name:<18} {value}" for name, value in rows), ""]
    lines.append(f"  {'log in as':<28} {'password':<26} at")
    for login in facts["logins"]:
        where = ", ".join(f"{site} ({', '.join(roles)})" for site, roles in login["roles"].items() if roles)
        lines.append(f"  {login['email']:<28} {login['password']:<26} {where}")
    return "\n".join(
        [*lines, "", "  Demo logins and demo secrets: never deploy these. Ctrl-C stops everything.", ""]
    )


def _from_here(path: Path) -> Path:
    """Return a path relative to the current folder, if it is within."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
