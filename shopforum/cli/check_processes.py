"""The checks of `shopforum check` on what runs: the workers and what waits for them, the web servers, and their connections."""

from collections.abc import Iterator, Sequence

from sqlalchemy.exc import SQLAlchemyError

from shopforum.api_tokens import tokens
from shopforum.core import backlog, processes
from shopforum.core.database import Database
from shopforum.core.databases import SESSIONS
from shopforum.core.engine import create_engine
from shopforum.core.read_only_database import ReadOnlyDatabase
from shopforum.core.sites import SiteSettings
from shopforum.operations import overview
from shopforum.sessions.keyring import Keyring

from .checks import Check
from .worker_metrics import BACKLOGS, RELAYED

# Seconds after which a row has waited too long.
_PATIENCE = {"audit_log": 60, "revocation_outbox": 600, "mail": 3600, "account_deletions": 3600}
_RELAY_PATIENCE = 600
_WAITING = {
    "audit_log": "are not sealed",
    "revocation_outbox": "have not reached FusionAuth",
    "mail": "are not sent",
    "account_deletions": "of accounts to be deleted are not done",
}


def checks(sites: Sequence[SiteSettings], places: int) -> Iterator[Check]:
    """Check the processes. `places` is the number of connections that the server has for them. Without tables there are no
    checks: the database checks have said so.
    """
    engine = create_engine(sites[0].database_urls[SESSIONS], 1, pooler=sites[0].pooler)
    try:
        yield from _checks(Database(engine), sites, places)
    except SQLAlchemyError:
        return
    finally:
        engine.dispose()


def _checks(db: Database, sites: Sequence[SiteSettings], places: int) -> Iterator[Check]:
    running = processes.listed(db)
    workers = sum(one.kind == processes.WORKER for one in running)
    if workers:
        yield Check("worker", fine=f"{workers} running")
    else:
        yield Check(
            "worker",
            problem="none has given a sign of life within a minute: nobody tells FusionAuth again, seals the audit log or "
            "sends mail",
            fix="start `shopforum worker` under a supervisor",
        )
    yield from _backlogs(db)
    yield from _connections(running, sites, places)
    yield from _keys(running, Keyring(sites[0].secret.split()))
    lost = overview.summary(ReadOnlyDatabase(db)).alarms.lost
    if lost:
        yield Check(
            "audit log",
            problem=f"the database has lost at least {lost.rows:,} rows after row {lost.kept:,}",
            fix="run `shopforum recover`",
        )
    removed = tokens.removed_keys(db, Keyring(sites[0].secret.split()))
    if removed:
        yield Check(
            "API tokens",
            problem=f"some were made under a key that is not in shopforum.secret: {', '.join(removed)}",
            fix="put the key back behind the others, or make new tokens and revoke those",
        )


def relayed(db: Database) -> Iterator[Check]:
    """Check that what a site leaves in its own database moves on. Without tables there is no check."""
    try:
        waiting = backlog.read(db, [each.backlog for each in RELAYED])
    except SQLAlchemyError:
        return
    late = [one for one in waiting if one.oldest_seconds > _RELAY_PATIENCE]
    if late:
        yield Check(
            "relay",
            problem=f"{sum(one.rows for one in late):,} rows have not moved to the database of the sessions, the oldest for "
            f"{max(one.oldest_seconds for one in late) / 60:,.0f} minutes",
            fix="start the worker, and look into its log: it has to reach both databases",
        )


def _backlogs(db: Database) -> Iterator[Check]:
    for one in backlog.read(db, BACKLOGS):
        most = _PATIENCE.get(one.name)
        if most is not None and one.oldest_seconds > most:
            yield Check(
                one.name,
                problem=f"{one.rows:,} rows {_WAITING[one.name]}, the oldest for {one.oldest_seconds / 60:,.0f} minutes",
                fix="look into the worker's log: it says what it waits for",
            )


def _keys(running: Sequence[processes.Running], keyring: Keyring) -> Iterator[Check]:
    """Check that every process knows the key that makes new hashes here, and this machine the one that makes them there: otherwise a
    login at one does not count at the other.
    """
    apart = [
        f"{one.kind} {one.pid} on {one.host}"
        for one in running
        if one.keys and (keyring.id not in one.keys or one.keys[0] not in keyring.ids)
    ]
    if apart:
        yield Check(
            "shopforum.secret",
            problem=f"not the keys of {', '.join(apart[:5])}: logins there and here do not work with each other",
            fix="set the same keys on all machines and restart; `shopforum keys` says how to replace one",
        )


def _connections(
    running: Sequence[processes.Running], sites: Sequence[SiteSettings], places: int
) -> Iterator[Check]:
    """Check that all processes together find a connection. A web process has a pool for each site, a worker the store's."""
    web = sum(one.kind == processes.WEB for one in running)
    wanted = web * sum(site.pool_size for site in sites) + (len(running) - web) * sites[0].pool_size
    if wanted > places and not sites[0].pooler:
        yield Check(
            "connections",
            problem=f"{len(running)} processes may take {wanted}, the server has {places}",
            fix="raise max_connections, or lower database.pool_size",
        )
