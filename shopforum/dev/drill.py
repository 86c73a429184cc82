"""`shopforum drill`: rehearse a failover, a restore and the replacing of a key on databases of its own, and measure them.

Each drill starts PostgreSQL servers in a temporary folder, does what an operator would do, and counts what was lost. It touches no
deployment. The times are those of this machine.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import click
import psycopg2
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shopforum.api_tokens import tokens
from shopforum.api_tokens.rate_limit import Rate
from shopforum.cli.deployment import NOTHING, USAGE, Stop
from shopforum.core import migrations
from shopforum.core.database import Database
from shopforum.core.engine import create_engine
from shopforum.sessions import (
    AuthorityUnavailable,
    Login,
    Reason,
    Refreshed,
    Scope,
    Sessions,
    audit_chain,
    config,
    jobs,
    witness,
)
from shopforum.sessions.audit import Client
from shopforum.sessions.keyring import Keyring
from shopforum.sessions.model import Pair
from shopforum.sessions.witness import Witness

from . import instance, postgres
from .processes import StartError, is_free

_OLD, _NEW = (f"{name}-key-of-the-drill-0123456789-0123456789" for name in ("old", "new"))
_CLIENT = Client("192.0.2.1", "a browser of the drill")
_REASON = Reason("admin", "drill", "test")
_SESSIONS = 20
_RATE = Rate(burst=1000, per_second=1000)


class _NoProvider:
    """An authority that knows no refresh token: the drills need no FusionAuth."""

    def refresh(
        self, refresh_token: str, user_id: UUID | None = None, client: Client | None = None
    ) -> Refreshed:
        raise AuthorityUnavailable

    def roles(self, user_id: UUID) -> tuple[str, ...] | None:
        return ("shopper",)

    def revoke(self, site: str, *, refresh_token_id: UUID | None, user_id: UUID | None) -> None:
        return


@dataclass(frozen=True)
class Step:
    """A step of a drill: how many seconds it took, and what came out."""

    name: str
    seconds: float
    result: str


@dataclass
class Report:
    """A drill: its steps, and what was lost by kind, in numbers. `ok` says that it went as the documentation says."""

    drill: str
    steps: list[Step] = field(default_factory=list)
    lost: dict[str, int] = field(default_factory=dict)
    ok: bool = True

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Measure a step. The block appends its results to the list."""
        began, results = time.monotonic(), list[str]()
        yield results
        self.steps.append(Step(name, round(time.monotonic() - began, 3), "; ".join(results)))


@click.group
def command() -> None:
    """Rehearse a failover, a restore and the replacing of a key, on databases of its own.

    Prints how long each step took and what was lost. Exits with 0 when it went as docs/operations.md says.
    """


def _printed(report: Report, as_json: bool) -> None:
    """Print a report, and end the command."""
    if as_json:
        click.echo(json.dumps(asdict(report)))
    else:
        for step in report.steps:
            click.echo(f"{step.seconds:8.2f} s  {step.name}")
            if step.result:
                click.echo(f"            {step.result}")
        lost = ", ".join(f"{number:,} {what}" for what, number in report.lost.items()) or "nothing"
        click.echo(f"\nLost: {lost}.")
        click.echo("As expected." if report.ok else "NOT as expected: docs/operations.md says otherwise.")
    raise SystemExit(0 if report.ok else NOTHING)


@contextmanager
def _folder() -> Iterator[Path]:
    """Yield a temporary folder. Raises Stop where a server does not start."""
    with TemporaryDirectory(prefix="shopforum-drill-") as name:
        try:
            yield Path(name)
        except StartError as error:
            raise Stop(str(error), USAGE) from None


def _sessions(url: str, *keys: str) -> Sessions:
    """Return the sessions of the store, as a process with these keys has them."""
    settings = {"sessions.site": "store", "sessions.secret": " ".join(keys)}
    return Sessions(Database(create_engine(url, 4)), config.parse(settings), _NoProvider())


def _log_in(sessions: Sessions) -> tuple[Pair, UUID]:
    """Begin a session; return its cookies and its id."""
    user_id = uuid4()
    login = Login(
        user_id,
        "Drill",
        f"{user_id}@drill.example",
        ("shopper",),
        uuid4().hex,
        uuid4(),
        sessions.login_start(),
    )
    outcome = sessions.start(login, _CLIENT, None)
    if outcome.issue is None or outcome.session is None:
        raise Stop("A login of the drill was refused.", USAGE)
    return outcome.issue, outcome.session.id


def _served(sessions: Sessions, pairs: Sequence[Pair]) -> int:
    """Return on how many of these cookies a page is served."""
    return sum(sessions.resume(pair, _CLIENT).session is not None for pair in pairs)


def _seal(sessions: Sessions) -> audit_chain.Head:
    while jobs.seal(sessions):
        pass
    return audit_chain.head(sessions.db)


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def keys(as_json: bool) -> None:
    """Replace a key of shopforum.secret in two processes, in the safe order and in an unsafe one."""
    with _folder() as folder, postgres.running(folder) as server:
        url = server.create("drill")
        migrations.upgrade(url)
        report = replace_key(url)
    _printed(report, as_json)


def replace_key(url: str) -> Report:
    """Rehearse the steps of docs/operations.md, "Keys", on a migrated database."""
    report = Report("keys")
    here, there = _sessions(url, _OLD), _sessions(url, _OLD)
    with report.step("log in with the old key alone") as results:
        before = [_log_in(here)[0] for _ in range(_SESSIONS)]
        _, token = tokens.create(
            here.db, Keyring([_OLD]), "drill", ["sessions:read"], None, tokens.Actor("drill", _CLIENT)
        )
        results.append(f"{_served(there, before)} of {len(before)} sessions served by the other process")
    with report.step('unsafe: "new old" here, while the other process has "old"') as results:
        unsafe = [_log_in(_sessions(url, _NEW, _OLD))[0] for _ in range(5)]
        refused = len(unsafe) - _served(there, unsafe)
        results.append(f"{refused} of {len(unsafe)} new sessions refused by the other process")
    for ours, theirs in (((_OLD, _NEW), (_OLD,)), ((_OLD, _NEW), (_OLD, _NEW)), ((_NEW, _OLD), (_OLD, _NEW))):
        with report.step(f'safe: "{_words(ours)}" here, "{_words(theirs)}" there') as results:
            here, there = _sessions(url, *ours), _sessions(url, *theirs)
            made = [_log_in(here)[0] for _ in range(5)]
            served = _served(there, [*before, *made])
            results.append(f"{served} of {len(before) + len(made)} sessions served by the other process")
            report.ok = report.ok and served == len(before) + len(made)
            before += made
    with report.step('"new old" everywhere: sessions and API tokens move as they are used') as results:
        here = _sessions(url, _NEW, _OLD)
        here.db.all(text("UPDATE sessions SET due_at = now()"))
        moved = [outcome.issue for pair in before if (outcome := here.resume(pair, _CLIENT)).issue]
        _served(here, moved)
        tokens.find(here.db, Keyring([_NEW, _OLD]), token, _RATE, _CLIENT)
        results.append(f"{len(moved)} of {len(before)} sessions moved")
    with report.step('"new" alone') as results:
        here = _sessions(url, _NEW)
        served, known = _served(here, moved), tokens.find(here.db, Keyring([_NEW]), token, _RATE, _CLIENT)
        report.lost = {"sessions": len(before) - served, "API tokens": int(known is None)}
        results.append(
            f"{served} of {len(before)} sessions served; the API token {'works' if known else 'does not work'}"
        )
        report.ok = report.ok and not any(report.lost.values())
    return report


def _words(secrets: Sequence[str]) -> str:
    return " ".join("old" if secret == _OLD else "new" for secret in secrets)


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def restore(as_json: bool) -> None:
    """Restore a dump that is older than revocations, and recover from it."""
    with _folder() as folder, postgres.running(folder) as server:
        migrations.upgrade(server.create("drill"))
        report = restore_dump(folder, server, "drill")
    _printed(report, as_json)


def restore_dump(folder: Path, server: postgres.Server, name: str) -> Report:
    """Rehearse the steps of docs/operations.md, "Backups", on a migrated database of a server. `folder` takes the dump."""
    report, url = Report("restore"), server.url(name)
    ini = instance.write_ini(folder, 6543, 1, url)
    secret = instance.base_settings(ini)["shopforum.secret"]
    sessions = _sessions(url, secret)
    made = [_log_in(sessions) for _ in range(_SESSIONS)]
    actor = tokens.Actor("drill", _CLIENT)
    keyring = Keyring([secret])
    _, token = tokens.create(sessions.db, keyring, "drill", ["sessions:read"], None, actor)
    _seal(sessions)
    dump = folder / "drill.dump"
    with report.step("back up (pg_dump)"):
        _program(server, "pg_dump", "--format=custom", f"--file={dump}", f"--dbname={name}")
    revoked = [pair for pair, _ in made[: _SESSIONS // 2]]
    for _, session_id in made[: _SESSIONS // 2]:
        sessions.revoke(Scope(sessions=(session_id,)), _REASON, _CLIENT)
    tokens.revoke(sessions.db, actor, everyone=True)
    witnessed = _seal(sessions)
    sessions.db.engine.dispose()
    with report.step("lose the database, and restore (pg_restore)") as results:
        server.drop(name)
        server.create(name)
        _program(server, "pg_restore", f"--dbname={name}", str(dump))
        back = _served(sessions, revoked)
        works = tokens.find(sessions.db, keyring, token, _RATE, _CLIENT)
        report.lost = {
            "revocations of sessions": back,
            "revocations of API tokens": int(bool(works and not works.refused)),
        }
        results.append(f"{back} of {len(revoked)} revoked sessions are served again")
    with report.step("shopforum recover --yes") as results:
        done = _recover(ini, str(witnessed))
        results.append(f"missed at least {done['lost']} rows of the audit log")
    with report.step("look again") as results:
        served = _served(sessions, [pair for pair, _ in made])
        works = tokens.find(sessions.db, keyring, token, _RATE, _CLIENT)
        refused = bool(works and works.refused)
        results.append(f"{served} sessions served; the API token is {'refused' if refused else 'accepted'}")
        report.ok = back == len(revoked) and done["lost"] > 0 and served == 0 and refused
    sessions.db.engine.dispose()
    return report


def _recover(ini: Path, head: str) -> dict[str, int]:
    command_line = [
        sys.executable,
        "-m",
        "shopforum.cli",
        "recover",
        str(ini),
        "--yes",
        "--json",
        "--head",
        head,
    ]
    done = subprocess.run(command_line, capture_output=True, text=True, check=False)  # noqa: S603  the command is ours
    if not done.stdout:
        raise Stop(f"shopforum recover failed:\n{done.stderr.strip()}", USAGE)
    found: dict[str, int] = json.loads(done.stdout)
    return found


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--asynchronous",
    is_flag=True,
    help="The standby is behind when the primary dies, as without synchronous_standby_names behind a slow network.",
)
def failover(as_json: bool, asynchronous: bool) -> None:
    """Kill a primary while sessions are revoked, promote its standby, and count what was lost."""
    with _folder() as folder:
        report = fail_over(folder, asynchronous)
    _printed(report, as_json)


def fail_over(folder: Path, asynchronous: bool) -> Report:
    """Rehearse a failover between two servers, whose data are in `folder`."""
    report = Report("failover")
    with ExitStack() as stack:
        with report.step("start a primary and its standby"):
            primary = stack.enter_context(
                postgres.running(folder / "primary", options={"wal_level": "replica"})
            )
            migrations.upgrade(primary.create("drill"))
            standby = stack.enter_context(_standby(folder / "standby", primary))
            if not asynchronous:
                primary.set("synchronous_standby_names", "*")
        both = f"postgresql://{postgres.OWNER}:{primary.password}@127.0.0.1:{primary.port},127.0.0.1:{standby.port}/drill"
        sessions = _sessions(both, _OLD)
        memory = Witness()
        acts = _Revocations(sessions, memory)
        acts.start()
        acts.wait_for(20)
        if asynchronous:
            _hold_senders(primary)
            acts.wait_for(len(acts.acknowledged) + 20)
        with report.step("from the death of the primary to the first revocation after it") as results:
            os.kill(_postmaster(folder / "primary"), signal.SIGKILL)
            died = len(acts.acknowledged)
            standby.promote()
            acts.wait_for(died + 2)
            results.append(f"{died} revocations had been acknowledged before")
        acts.stop()
        with report.step(
            "count what was lost, and compare the audit log with the heads that were seen"
        ) as results:
            alive = sessions.db.only(
                text(
                    "SELECT count(*) AS n FROM sessions WHERE id = ANY (CAST(:ids AS uuid[])) AND ended_at IS NULL"
                ),
                ids=acts.acknowledged,
            )["n"]
            known = sessions.db.only(
                text("SELECT count(*) AS n FROM sessions WHERE id = ANY (CAST(:ids AS uuid[]))"),
                ids=acts.acknowledged,
            )["n"]
            gone = len(acts.acknowledged) - known
            report.lost = {"acknowledged revocations": alive, "sessions that had begun and ended": gone}
            loss = acts.loss or memory.look(sessions.db)
            if loss:
                quarantined = witness.raise_alarm(sessions.db, loss, put_into_quarantine=True, client=_CLIENT)
                results.append(
                    f"the witness missed {loss.rows} rows, and put {quarantined} sessions into quarantine"
                )
            else:
                results.append("the witness misses nothing")
            report.ok = bool(loss) == bool(alive or gone) and (asynchronous or not (alive or gone))
        sessions.db.engine.dispose()
    return report


class _Revocations(threading.Thread):
    """Revokes sessions, one after the other, and remembers those whose revocation was acknowledged. Some are
    there before; later ones are begun as they are needed.
    """

    def __init__(self, sessions: Sessions, memory: Witness) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[UUID] = []
        self.loss: witness.Loss | None = None
        self._sessions, self._memory, self._ending = sessions, memory, threading.Event()
        self._waiting = [_log_in(sessions)[1] for _ in range(4 * _SESSIONS)]

    def run(self) -> None:
        while not self._ending.is_set():
            try:
                session_id = self._waiting.pop() if self._waiting else _log_in(self._sessions)[1]
                self._sessions.revoke(Scope(sessions=(session_id,)), _REASON, _CLIENT)
                self.acknowledged.append(session_id)
                jobs.seal(self._sessions)
                self.loss = self.loss or self._memory.look(self._sessions.db)
            except SQLAlchemyError:
                time.sleep(0.05)

    def wait_for(self, number: int, seconds: float = 60) -> None:
        """Wait until so many revocations are acknowledged. Raises Stop after some seconds."""
        deadline = time.monotonic() + seconds
        while len(self.acknowledged) < number:
            if time.monotonic() > deadline:
                raise Stop("No revocation was acknowledged within a minute.", NOTHING)
            time.sleep(0.01)

    def stop(self) -> None:
        """End after the act that has begun."""
        self._ending.set()
        self.join()


@contextmanager
def _standby(folder: Path, primary: postgres.Server) -> Iterator[postgres.Server]:
    """Start a standby that streams from the primary."""
    folder.mkdir(mode=0o700)
    postgres.own(folder)
    _program(
        primary,
        "pg_basebackup",
        f"--pgdata={folder / 'postgres'}",
        "--write-recovery-conf",
        "--checkpoint=fast",
        as_server=True,
    )
    port = next(port for port in range(primary.port + 1, primary.port + 1000) if is_free(port))
    (folder / "postgres.json").write_text(json.dumps({"port": port, "password": primary.password}))
    with postgres.running(folder) as server:
        yield server


def _hold_senders(primary: postgres.Server) -> None:
    """Stop the processes that send to standbys: what is committed from now on stays on the primary alone."""
    with closing(psycopg2.connect(primary.url("postgres"))) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_replication")
        for (pid,) in cursor.fetchall():
            os.kill(pid, signal.SIGSTOP)


def _postmaster(folder: Path) -> int:
    return int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def _program(server: postgres.Server, name: str, *options: str, as_server: bool = False) -> None:
    """Run a program of PostgreSQL against a server, as the account of the server where `as_server`. Raises StartError."""
    place = ("--host=127.0.0.1", f"--port={server.port}", f"--username={postgres.OWNER}")
    command_line = [
        *(postgres.as_nobody("dac_override") if as_server else []),
        postgres.program(name),
        *place,
        *options,
    ]
    done = subprocess.run(  # noqa: S603  the command is ours
        command_line,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PGPASSWORD": server.password},
    )
    if done.returncode:
        raise StartError(f"{name} failed:\n{done.stderr.strip()}")
