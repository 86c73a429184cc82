"""`make bench-scale`: how the operators' acts and the worker's jobs grow with the number of sessions.

Fills a database of each size, and prints a line for each measurement: milliseconds, or rows a second. Every commit waits for
the disk, as in production. The first page is measured for every filter and every pair of filters (`filters.py`).

    python -m bench.scale [--sessions 10000 1000000]
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg2

from shopforum.core import migrations, purge
from shopforum.core.database import Database
from shopforum.core.engine import create_engine
from shopforum.core.read_only_database import ReadOnlyDatabase
from shopforum.dev import postgres
from shopforum.operations import counts, plans
from shopforum.operations.targets import Target
from shopforum.sessions import Client, Reason, Scope, audit_chain, gate_sweep, jobs, outbox, revocation
from shopforum.sessions.audit_chain import AuditKey
from shopforum.sessions.vocabulary import InitiatingEntity

from . import filters
from .fill import CROWD, fill

_SITES = ("store", "forums", "admin")
_REASON = Reason(InitiatingEntity.ADMIN, "bench", "incident")
# Seconds of each job.
_SECONDS = 3.0


class _Provider:
    """An identity provider that agrees at once: measured is the queue, and not the provider."""

    def revoke(self, site: str, **_: Any) -> None:
        """Agree."""


def main() -> None:
    """Measure and print a table with a column for each size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, nargs="+", default=[10_000, 1_000_000])
    options = parser.parse_args()
    columns = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shopforum-scale-")))
        server = stack.enter_context(
            postgres.running(folder, options={"max_wal_size": "8GB", "shared_buffers": "1GB"})
        )
        for count in options.sessions:
            url = server.create(f"sessions_{count}")
            migrations.upgrade(url)
            began = time.perf_counter()
            fill(url, count)
            column = {"fill, s": time.perf_counter() - began}
            for name, value in _measured(Database(create_engine(url, 8)), url):
                print(f"{count:,} sessions: {name}: {value:,.1f}", flush=True)
                column[name] = value
            columns.append(column)
    print("\n| measurement |" + "".join(f" {count:,} |" for count in options.sessions))
    print("|---|" + "---|" * len(columns))
    for name in columns[0]:
        print(f"| {name} |" + "".join(f" {column[name]:,.1f} |" for column in columns))


def _measured(db: Database, url: str) -> Iterator[tuple[str, float]]:
    """Measure, one thing after the other; return what it is and the number."""
    reading = ReadOnlyDatabase(db)
    pages = list(filters.measured(reading))
    slow = sorted((one for one in pages if one[0] > filters.SLOW), key=lambda one: -one[0])
    for took, chosen in slow:
        print(f"  slow: {took:8.1f} ms  {chosen}", flush=True)
    yield "first page without a filter, ms", pages[0][0]
    yield (
        "first page, median of all filters and pairs, ms",
        sorted(took for took, _ in pages)[len(pages) // 2],
    )
    yield "filters and pairs", len(pages)
    yield f"of these above {filters.SLOW:.0f} ms", len(slow)
    yield "counts on the tabs, ms", _ms(lambda: counts.on_tabs(reading, []))
    began = time.perf_counter()
    plan = plans.make(reading, Target(filter=f"ip={CROWD.replace('/', '%2F')}"), None)
    if plan.scope:
        _end(db, plan.scope)
    yield "sessions that a filter ends", plan.matched
    yield "the same from the plan to the commit, ms", 1000 * (time.perf_counter() - began)
    yield "outbox, messages a second", _rate(lambda: outbox.deliver(db, _Provider(), step=200, parallel=8))
    began = time.perf_counter()
    everyone = _end(db, Scope(everyone=True))
    yield "everyone is signed out, ms", 1000 * (time.perf_counter() - began)
    yield "counts on the tabs right after that, ms", _ms(lambda: counts.on_tabs(reading, []))
    yield (
        "marking behind the gate, rows a second",
        _rate(lambda: gate_sweep.mark(db, everyone, Scope(everyone=True))),
    )
    key = AuditKey("bench", b"0" * 32)
    yield "sealing, rows a second", _rate(lambda: audit_chain.STEP if audit_chain.seal(db, key) else 0)
    _age(url)
    [sessions] = [one for one in jobs.PURGES if one.table == "sessions"]
    yield "purge, sessions a second", _rate(lambda: purge.run([sessions], db))


def _age(url: str) -> None:
    """Make the oldest sessions so old that they are purged."""
    with psycopg2.connect(url) as connection, connection.cursor() as run:
        run.execute(
            "UPDATE sessions SET absolute_end = created_at, idle_end = created_at WHERE created_at < now() - interval '50 days'"
        )
        run.execute("ANALYZE sessions")
    connection.close()


def _end(db: Database, scope: Scope) -> UUID:
    [revocation_id] = revocation.commit(db, (scope,), _REASON, Client(), sites=_SITES)
    return revocation_id


def _ms(act: Callable[[], object]) -> float:
    """Return the milliseconds of the fastest of five calls."""
    took = []
    for _ in range(5):
        began = time.perf_counter()
        act()
        took.append(time.perf_counter() - began)
    return 1000 * min(took)


def _rate(step: Callable[[], int]) -> float:
    """Repeat a job's step until nothing is left to do or the time is over; return rows a second."""
    began, rows = time.perf_counter(), 0
    while (took := time.perf_counter() - began) < _SECONDS:
        done = step()
        rows += done
        if not done:
            break
    return rows / took if took else 0.0


if __name__ == "__main__":
    main()
