"""Three PostgreSQL servers under Patroni, which agree on the primary by Raft: nothing else is needed, all on 127.0.0.1."""

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any

import psycopg2
import requests
import yaml
from sockets import free_ports
from waiting import eventually

from shopforum.dev import postgres, processes

# The shortest time that Patroni takes: so many seconds after it was last heard, a primary is none any more.
TTL = 20
_BINARIES = Path(postgres.program("postgres")).parent


@dataclass
class Node:
    """One server with its Patroni."""

    name: str
    folder: Path
    port: int
    api: str
    process: Popen[bytes] = field(init=False)

    def state(self) -> dict[str, Any]:
        """Return what Patroni says of its server; empty where it does not answer."""
        try:
            found: dict[str, Any] = requests.get(f"{self.api}/patroni", timeout=2).json()
        except (requests.RequestException, ValueError):
            return {}
        return found

    @property
    def is_primary(self) -> bool:
        state = self.state()
        return state.get("role") in ("primary", "master") and state.get("state") == "running"

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to Patroni, to the server and to all of the server's processes."""
        path = self.folder / "data" / "postmaster.pid"
        servers = [int(path.read_text().splitlines()[0])] if path.exists() else []
        for pid in (self.process.pid, *servers, *(child for one in servers for child in _children(one))):
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def _children(parent: int) -> Iterator[int]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name, in parentheses, may hold spaces.
            if int(path.read_text().rpartition(")")[2].split()[1]) == parent:
                yield int(path.parent.name)


@dataclass
class Cluster:
    """The nodes; `password` is the owner's."""

    nodes: list[Node]
    password: str

    def url(self, database: str, *nodes: Node) -> str:
        """Return the URL of a database on these nodes; without any, on all of them."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes or self.nodes)
        return f"postgresql://{postgres.OWNER}:{self.password}@{hosts}/{database}"

    @property
    def primary(self) -> Node | None:
        """The node that takes writes, if one does."""
        return next((node for node in self.nodes if node.is_primary), None)

    def wait_for_primary(self, *, other_than: Node | None = None) -> Node:
        """Wait until a node takes writes and a standby confirms them; return it."""
        found: list[Node] = []

        def there() -> bool:
            found[:] = [node for node in self.nodes if node is not other_than and node.is_primary]
            return bool(found)

        eventually(there, 120)
        return found[0]

    def wait_for_standbys(self, number: int) -> None:
        """Wait until so many standbys stream, one of them synchronously."""

        def stream() -> bool:
            primary = self.primary
            states = (
                [row.get("sync_state") for row in primary.state().get("replication", [])] if primary else []
            )
            return len(states) >= number and "sync" in states

        eventually(stream, 180)

    def run(self, statement: str) -> None:
        """Run a statement on the primary, outside of the application."""
        with closing(psycopg2.connect(self.url("postgres", self.wait_for_primary()))) as connection:
            connection.autocommit = True
            connection.cursor().execute(statement)

    def has(self, database: str, node: Node) -> bool:
        """Return whether a node knows a database."""
        try:
            psycopg2.connect(self.url(database, node)).close()
        except psycopg2.OperationalError:
            return False
        return True

    def switch(self, primary: Node, to: Node) -> None:
        """Let another node be the primary, as an operator does."""
        body = {"leader": primary.name, "candidate": to.name}
        answer = requests.post(f"{primary.api}/switchover", json=body, timeout=60)
        assert answer.status_code == 200, answer.text


@contextmanager
def running(patroni: Path, folder: Path) -> Iterator[Cluster]:
    """Start three nodes by the program at `patroni`; yields when one is the primary and two standbys stream."""
    password = secrets.token_urlsafe(16)
    ports = iter(free_ports(9))
    members = [
        (Node(f"node{n}", folder / f"node{n}", next(ports), f"http://127.0.0.1:{next(ports)}"), next(ports))
        for n in (1, 2, 3)
    ]
    with ExitStack() as stack:
        for node, raft in members:
            node.folder.mkdir(mode=0o700)
            partners = [f"127.0.0.1:{other}" for _, other in members if other != raft]
            path = node.folder / "patroni.yaml"
            path.write_text(yaml.safe_dump(_configuration(node, raft, partners, password)))
            for one in (node.folder, path):
                postgres.own(one)
            command = [*postgres.as_nobody("dac_override"), str(patroni), str(path)]
            node.process = stack.enter_context(processes.child(command, folder / f"{node.name}.log"))
            # A frozen one does not end.
            stack.callback(node.signal, signal.SIGCONT)
        cluster = Cluster([node for node, _ in members], password)
        cluster.wait_for_standbys(2)
        yield cluster


def _configuration(node: Node, raft: int, partners: list[str], password: str) -> dict[str, Any]:
    there = node.api.removeprefix("http://")
    return {
        "scope": "shopforum",
        "name": node.name,
        "restapi": {"listen": there, "connect_address": there},
        "raft": {
            "data_dir": str(node.folder / "raft"),
            "self_addr": f"127.0.0.1:{raft}",
            "partner_addrs": partners,
        },
        "bootstrap": {
            # docs/operations.md, "Durability": an acknowledged revocation is on two nodes.
            "dcs": {
                "ttl": TTL,
                "loop_wait": 2,
                "retry_timeout": 3,
                "synchronous_mode": True,
                "postgresql": {"use_pg_rewind": True, "parameters": {"max_connections": 100}},
            },
            "initdb": [
                {"encoding": "UTF8"},
                {"locale": "C"},
                {"locale-provider": "builtin"},
                {"builtin-locale": "C.UTF-8"},
                "data-checksums",
                "no-sync",
            ],
            "pg_hba": [
                "host all all 127.0.0.1/32 scram-sha-256",
                "host replication all 127.0.0.1/32 scram-sha-256",
            ],
        },
        "postgresql": {
            "listen": f"127.0.0.1:{node.port}",
            "connect_address": f"127.0.0.1:{node.port}",
            "data_dir": str(node.folder / "data"),
            "bin_dir": str(_BINARIES),
            "pgpass": str(node.folder / "pgpass"),
            "authentication": {
                "superuser": {"username": postgres.OWNER, "password": password},
                "replication": {"username": "replicator", "password": password},
            },
            "parameters": {"unix_socket_directories": ""},
        },
    }
