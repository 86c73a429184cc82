"""The metrics that the worker adds to its own: what waits in the database, who gives signs of life, and how many sessions live.

They are read when Prometheus asks, in a few short statements with a time limit, so a worker that nobody asks reads nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from shopforum.account import jobs as account_jobs
from shopforum.core import backlog, metrics, processes
from shopforum.core.backlog import Backlog
from shopforum.core.database import Database
from shopforum.core.databases import SESSIONS
from shopforum.core.read_only_database import ReadOnlyDatabase, TooSlow
from shopforum.core.sites import SITES
from shopforum.mail import jobs as mail_jobs
from shopforum.operations import counts
from shopforum.sessions import acts
from shopforum.sessions import jobs as session_jobs
from shopforum.web import canary
from shopforum.web.services import Services
from shopforum.webhooks import deliveries
from shopforum.webhooks import settings as webhook_settings

BACKLOGS: tuple[Backlog, ...] = (*session_jobs.BACKLOGS, *mail_jobs.BACKLOGS, *account_jobs.BACKLOGS)
# Rows that sites with databases of their own leave there for the database of the sessions.
RELAYED = (*acts.RELAYED, *mail_jobs.RELAYED)

# Milliseconds for each statement. Prometheus waits ten seconds for all.
_PATIENCE = 1000

log = structlog.get_logger()


def registry_of(services: Services) -> CollectorRegistry:
    """Return the registry of a worker: the metrics of every process, and those of the database."""
    names = tuple(one.name for one in webhook_settings.parse(services.settings).endpoints)
    registry = CollectorRegistry()
    registry.register(metrics.REGISTRY)
    places = canary.parse(services.settings).places
    registry.register(DatabaseCollector(services.db, names, places, services.databases.apart))
    return registry


class DatabaseCollector(Collector):
    """Reads from the database at each scrape. `endpoints` are the names of the webhook endpoints in the settings, `places` what the
    canary measures, `apart` the sites' own databases.
    """

    def __init__(
        self,
        db: Database,
        endpoints: tuple[str, ...],
        places: tuple[str, ...] = (),
        apart: Mapping[str, Database] | None = None,
    ) -> None:
        self._db = ReadOnlyDatabase(db).within(_PATIENCE)
        self._apart = {part: ReadOnlyDatabase(each).within(_PATIENCE) for part, each in (apart or {}).items()}
        self._endpoints = endpoints
        self._places = places

    def describe(self) -> Iterable[Metric]:
        """Return the metrics without values, so that registering reads nothing."""
        return declared().values()

    def collect(self) -> Iterable[Metric]:
        """Return the metrics. One that cannot be read is left out, and `shopforum_database_readable` of its database is 0."""
        families = declared()
        self._read(families, SESSIONS, (self._backlogs, self._processes, self._sessions, self._effects))
        for part in self._apart:
            self._read(families, part, (partial(self._relayed, part),))
        return families.values()

    def _read(
        self,
        families: dict[str, GaugeMetricFamily],
        part: str,
        readers: Sequence[Callable[[dict[str, GaugeMetricFamily]], None]],
    ) -> None:
        """Read from one database, and note whether it could be read."""
        readable = True
        try:
            for read in readers:
                read(families)
        except (SQLAlchemyError, TooSlow) as error:
            log.warning("metrics.database_unreadable", database=part, error=type(error).__name__)
            readable = False
        families["readable"].add_metric([part], float(readable))

    def _backlogs(self, families: dict[str, GaugeMetricFamily]) -> None:
        for one in backlog.read(self._db, BACKLOGS):
            families["rows"].add_metric([one.name], one.rows)
            families["oldest"].add_metric([one.name], one.oldest_seconds)
        for each in deliveries.backlogs(self._db, self._endpoints):
            families["rows"].add_metric([f"webhook:{each.name}"], each.rows)
            families["oldest"].add_metric([f"webhook:{each.name}"], each.oldest_seconds)

    def _processes(self, families: dict[str, GaugeMetricFamily]) -> None:
        for kind, life in processes.signs_of_life(self._db).items():
            families["processes"].add_metric([kind], life.running)
            families["heartbeat"].add_metric([kind], life.newest_seconds)

    def _sessions(self, families: dict[str, GaugeMetricFamily]) -> None:
        for site, number in counts.estimate_live(self._db, SITES).items():
            families["sessions"].add_metric([site], number)

    def _effects(self, families: dict[str, GaugeMetricFamily]) -> None:
        for one in canary.effects(self._db):
            if one.place not in self._places:
                continue
            for quantile, seconds in (("0.5", one.median), ("0.99", one.p99)):
                if seconds is not None:
                    families["effect"].add_metric([one.place, quantile], seconds)
            families["unfelt"].add_metric([one.place], one.unfelt)
            families["effect_age"].add_metric([one.place], one.age)

    def _relayed(self, part: str, families: dict[str, GaugeMetricFamily]) -> None:
        for one in backlog.read(self._apart[part], [each.backlog for each in RELAYED]):
            families["rows"].add_metric([f"{part}:{one.name}"], one.rows)
            families["oldest"].add_metric([f"{part}:{one.name}"], one.oldest_seconds)


def declared() -> dict[str, GaugeMetricFamily]:
    """Return the metrics of the database without values, by a short name."""
    return {
        "readable": GaugeMetricFamily(
            "shopforum_database_readable",
            "1 where the worker could read the metrics below from a database at this scrape, 0 where that is away or too slow. "
            "Database: sessions, and store and forums where they have their own",
            labels=["database"],
        ),
        "rows": GaugeMetricFamily(
            "shopforum_backlog_rows",
            f"Rows that wait for the worker, at most {backlog.MOST}: audit_log (unsealed), revocation_outbox, mail, account_deletions (due), "
            "webhook:NAME (sealed rows behind the endpoint's position), store:TABLE and forums:TABLE (in their own databases)",
            labels=["backlog"],
        ),
        "oldest": GaugeMetricFamily(
            "shopforum_backlog_oldest_seconds",
            "Age of the oldest row that waits; 0 where none does",
            labels=["backlog"],
        ),
        "processes": GaugeMetricFamily(
            "shopforum_processes",
            "Processes by kind (web, worker) that have given a sign of life within the last minute and have not ended",
            labels=["kind"],
        ),
        "heartbeat": GaugeMetricFamily(
            "shopforum_process_heartbeat_seconds",
            "Age of the newest sign of life of each kind; a web process gives one when it is asked at /readyz",
            labels=["kind"],
        ),
        "sessions": GaugeMetricFamily(
            "shopforum_sessions_live_estimate",
            "Sessions by site that have neither ended nor reached their absolute end: an estimate of the database's planner",
            labels=["site"],
        ),
        "effect": GaugeMetricFamily(
            "shopforum_revocation_effect_seconds",
            "Seconds until a canary's revocation was felt, over the last day. Place: an address of canary.nodes, or fusionauth. "
            "Quantile: 0.5 or 0.99",
            labels=["place", "quantile"],
        ),
        "unfelt": GaugeMetricFamily(
            "shopforum_revocation_unfelt",
            "Canaries of the last ten minutes whose revocation was not felt within ten seconds, or that could not be measured",
            labels=["place"],
        ),
        "effect_age": GaugeMetricFamily(
            "shopforum_revocation_effect_age_seconds",
            "Age of the newest measurement with a canary",
            labels=["place"],
        ),
    }
