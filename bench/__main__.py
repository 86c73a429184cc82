"""`make bench`: what a signed-in cart page costs, beside the same page of Django, Flask, Pyramid by the book and the bare floor.

All are served by the same server over the same database, in one run, and asked in turns, so that whatever else the machine
does falls on all. Figures of different machines, or of different runs, do not compare: the ratios do, and the processor
time and the statements of a page. The floor is a function that runs the product's two statements through psycopg2 and
returns the same bytes. The peers' pages are compared with the product's, text by text, before anything is measured.

    python -m bench [--seconds 1.5] [--rounds 3] [--processes 1 2] [--connections 1 8 32] [--sessions 10000]
    python -m bench.scale [--sessions 10000 1000000]
"""

import argparse
import html
import http.client
import json
import pickle
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from .load import cpu, load, memory, tree
from .product import CART, HOST, Product
from .serve import PRODUCT

PEERS = {"django_peer": "Django", "flask_peer": "Flask", "pyramid_peer": "Pyramid by the book"}
BASE = "Django"


@dataclass
class Contestant:
    """An application as it is served, the request for its page, and what was measured of it, by connections."""

    name: str
    processes: int
    port: int
    pid: int
    cookie: str
    log: Path
    took: dict[int, list[float]] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    cpu: dict[int, list[float]] = field(default_factory=dict)
    statements: int = 0

    @property
    def request(self) -> bytes:
        """The request for the page."""
        return f"GET {CART} HTTP/1.1\r\nHost: {HOST}\r\nCookie: {self.cookie}\r\n\r\n".encode()

    def get(self, path: str = CART) -> http.client.HTTPResponse:
        """Ask for a page once."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path, headers={"Host": HOST, "Cookie": self.cookie})
        return connection.getresponse()

    def rate(self, connections: int) -> float:
        """Return requests a second."""
        return len(self.took[connections]) / self.seconds[connections]

    def used(self, connections: int) -> tuple[float, float]:
        """Return the processor time of a page, of the application and of the database, in milliseconds."""
        application, database = (used / len(self.took[connections]) for used in self.cpu[connections])
        return application, database


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--sessions", type=int, default=10_000, help="rows beside the one that is used")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shopforum-bench-")))
        product = Product.start(stack, folder, options.sessions)
        contestants = list(_start(stack, folder, product, options.processes))
        database = tree(product.postmaster)[0]
        for each in contestants:
            try:
                load(each.port, each.request, max(options.connections), 0.5)
            except ValueError as error:
                raise SystemExit(f"{each.name}: {error}\n{each.log.read_text()[-3000:]}") from None
        _count_statements(product, folder, contestants)
        for connections in options.connections:
            for _ in range(options.rounds):
                for each in contestants:
                    _measure(each, database, connections, options.seconds)
        _print(contestants, options.connections)


def _start(stack: ExitStack, folder: Path, product: Product, processes: Sequence[int]) -> list[Contestant]:
    """Serve everything, sign in everywhere, and compare the pages. Raises ValueError where one is another page."""
    floor = folder / "floor.pickle"
    floor.write_bytes(pickle.dumps(product.seen()))
    settings = folder / "settings.json"
    settings.write_text(json.dumps(product.settings))
    found = []
    for count in processes:
        found.append(_serve(stack, folder, "the product", PRODUCT, str(settings), count, product.cookie))
        for module, name in PEERS.items():
            _prepare(module, product)
            peer = _serve(stack, folder, name, module, product.url, count, "")
            cookies = peer.get(f"/login?user={product.user_id}").headers.get_all("Set-Cookie")
            peer.cookie = "; ".join(each.split(";")[0] for each in cookies)
            # Keep the cookies of the first page, as a browser does: one is for the forms' tokens.
            more = peer.get().headers.get_all("Set-Cookie") or []
            peer.cookie = "; ".join(
                {
                    each.split("=")[0]: each.split(";")[0] for each in [*peer.cookie.split("; "), *more]
                }.values()
            )
            _compare(found[0], peer)
            found.append(peer)
        found.append(_serve(stack, folder, "the bare floor", "floor", str(floor), count, ""))
    found.append(
        Contestant(
            "the product, a bound session",
            found[0].processes,
            found[0].port,
            found[0].pid,
            product.bound_cookie,
            found[0].log,
        )
    )
    return found


def _prepare(module: str, product: Product) -> None:
    # In a process of its own: Django can be set up once in each.
    code = f"from uuid import UUID; from bench.peers import {module} as it; it.prepare({product.url!r}, UUID({str(product.user_id)!r}), {product.user_name!r})"
    subprocess.run([sys.executable, "-c", code], check=True)


def _serve(
    stack: ExitStack, folder: Path, name: str, module: str, source: str, processes: int, cookie: str
) -> Contestant:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = stack.enter_context((folder / f"{port}.log").open("w"))
    command = [sys.executable, "-m", "bench.serve", module, source, f"127.0.0.1:{port}", str(processes)]
    process = subprocess.Popen(command, stdout=log, stderr=log)
    stack.callback(_end, process)
    for _ in range(300):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return Contestant(name, processes, port, process.pid, cookie, Path(log.name))
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit(f"{name} does not start:\n{Path(log.name).read_text()[-3000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


_TOKEN = re.compile(r'name="csrf[^"]*" value="[^"]*"')


def _compare(product: Contestant, peer: Contestant) -> None:
    """Raise ValueError where a page is another than the product's, but for tokens and white space."""
    ours, theirs = (
        _TOKEN.sub("token", html.unescape(each.get().read().decode())) for each in (product, peer)
    )
    ours, theirs = (
        [part.strip() for part in re.split(r"(<[^>]*>)", text) if part.strip()] for text in (ours, theirs)
    )
    for one, other in zip(ours, theirs, strict=False):
        if one != other:
            raise ValueError(f"{peer.name} shows another page: {other[:200]!r} in place of {one[:200]!r}")
    if len(ours) != len(theirs):
        raise ValueError(f"{peer.name} shows another page: {len(theirs)} parts in place of {len(ours)}")


def _count_statements(product: Product, folder: Path, contestants: Sequence[Contestant]) -> None:
    """Count the round trips of each page to the database, by the server's own log; of some pages the most frequent number."""
    product.server.set("log_statement", "all")
    time.sleep(1)
    log = folder / "postgres.log"
    for each in contestants:
        counted = []
        for _ in range(20):
            before = log.stat().st_size
            each.get().read()
            time.sleep(0.02)
            counted.append(len(re.findall(rb"LOG:  (?:statement|execute)", log.read_bytes()[before:])))
        each.statements = statistics.mode(counted)
    product.server.set("log_statement", "none")


def _measure(each: Contestant, database: int, connections: int, seconds: float) -> None:
    began = time.perf_counter()
    before = (cpu(tree(each.pid)), cpu(tree(database)))
    each.took.setdefault(connections, []).extend(load(each.port, each.request, connections, seconds))
    after = (cpu(tree(each.pid)), cpu(tree(database)))
    each.seconds[connections] = each.seconds.get(connections, 0) + time.perf_counter() - began
    used = each.cpu.setdefault(connections, [0.0, 0.0])
    each.cpu[connections] = [
        total + later - earlier for total, earlier, later in zip(used, before, after, strict=True)
    ]


def _print(contestants: Sequence[Contestant], levels: Sequence[int]) -> None:
    for connections in levels:
        print(f"\n{connections} connections\n")
        print(
            f"| application | processes | requests/s | over {BASE} | CPU ms: application + database | {BASE} over it | statements | p50 ms | p99 ms | MB |"
        )
        print("|---|---|---|---|---|---|---|---|---|---|")
        for each in contestants:
            [base] = [one for one in contestants if (one.name, one.processes) == (BASE, each.processes)]
            application, database = each.used(connections)
            cuts = statistics.quantiles(each.took[connections], n=100)
            print(
                f"| {each.name} | {each.processes} | {each.rate(connections):,.0f} | {each.rate(connections) / base.rate(connections):.2f}"
                f" | {application:.2f} + {database:.2f} | {sum(base.used(connections)) / (application + database):.2f}"
                f" | {each.statements} | {cuts[49]:.1f} | {cuts[98]:.1f} | {memory(tree(each.pid)):.0f} |"
            )


if __name__ == "__main__":
    main()
