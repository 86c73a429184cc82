"""`shopforum worker INI`: the jobs beside the web server. Several workers may run at once."""

import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import structlog
from sqlalchemy.exc import SQLAlchemyError

from shopforum.account import deletion
from shopforum.account import jobs as account_jobs
from shopforum.api import jobs as api_jobs
from shopforum.api_tokens import jobs as token_jobs
from shopforum.core import garbage, metrics, processes, purge, relay
from shopforum.core.database import Database
from shopforum.core.metrics import MetricsSettings
from shopforum.core.settings import SettingsError, read
from shopforum.core.sites import FORUMS, STORE
from shopforum.forums import jobs as forum_jobs
from shopforum.forums import letters as forum_letters
from shopforum.forums.letters import InboxLetters
from shopforum.login import jobs as login_jobs
from shopforum.mail import outgoing
from shopforum.mail.outgoing import MailSettings
from shopforum.operations import approvals, drift_checks
from shopforum.operations.settings import OperationsSettings
from shopforum.sessions import audit_chain, is_outage
from shopforum.sessions import jobs as session_jobs
from shopforum.sessions import witness as witnesses
from shopforum.sessions.audit import Client
from shopforum.sessions.witness import Witness, WitnessSettings
from shopforum.store import jobs as store_jobs
from shopforum.store.letters import Letters
from shopforum.web import canary
from shopforum.web.services import Services
from shopforum.webhooks import jobs as webhook_jobs
from shopforum.webhooks import outbound
from shopforum.webhooks import settings as webhook_settings

from . import canary as measuring
from . import worker_metrics
from .deployment import USAGE, Stop, reaching_the_database, site

# Everything that the worker deletes, and the jobs that are done as often: once a minute.
PURGES = (
    *session_jobs.PURGES,
    *login_jobs.PURGES,
    *account_jobs.PURGES,
    *store_jobs.PURGES,
    *forum_jobs.PURGES,
    *api_jobs.PURGES,
    *token_jobs.PURGES,
    *webhook_jobs.PURGES,
    *approvals.PURGES,
    *drift_checks.PURGES,
    *processes.PURGES,
    *canary.PURGES,
)
JOBS = (*token_jobs.JOBS,)

_PAUSE_SECONDS = 1.0
_PAUSE_AFTER_ERROR_SECONDS = 5.0

log = structlog.get_logger()


@click.command
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.option("--once", is_flag=True, help="Do the work that is due now, then exit.")
def command(ini: str, once: bool) -> None:
    """Tell FusionAuth of revocations until it agrees, seal the audit log, send webhooks and mail, delete accounts and old rows.

    INI is the ini file of the deployment. The worker runs until it is interrupted or terminated, and finishes the step
    that it has begun.
    """
    services = site(ini, "store")
    witness = _witness(services)
    if once:
        with reaching_the_database():
            _once(services, witness)
    else:
        _run(services, witness)


def _serve_metrics(services: Services) -> None:
    """Answer for Prometheus where the settings name an address. Raises Stop for one that is taken."""
    address = read(MetricsSettings, services.settings).worker_listen
    if address is None:
        return
    try:
        metrics.serve("metrics.worker_listen", address, worker_metrics.registry_of(services))
    except SettingsError as error:
        raise Stop(str(error), USAGE) from None


def _once(services: Services, witness: Witness) -> None:
    # First: what follows may be on top of a log that has lost its end.
    _compare(services, witness)
    while session_jobs.run_once(services.sessions) + _tidy(services.db):
        pass
    while session_jobs.seal(services.sessions):
        pass
    _compare(services, witness)
    while deletion.run_once(services):
        pass
    failed = _work_of_sites(services)
    while _send_mail(services) + _send_webhooks(services):
        pass
    if failed:
        raise failed[0]


def _work_of_sites(services: Services) -> list[SQLAlchemyError]:
    """Do all work in the sites' own databases, and return the errors: one that is away keeps nothing else from being done."""
    apart = services.databases.apart.values()
    steps: list[Callable[[], int]] = [
        *(partial(purge.run, PURGES, database) for database in apart),
        partial(_store_letters, services),
        partial(_forum_letters, services),
        *(partial(_relay_from, database, services) for database in apart),
    ]
    failed = []
    for step in steps:
        try:
            while step():
                pass
        except SQLAlchemyError as error:
            failed.append(error)
    return failed


def _tidy(db: Database) -> int:
    """Do one step of each purge and each job; return how many rows were worked on."""
    # The jobs first: what they go by may be purged.
    return sum(job.run(db) for job in JOBS) + purge.run(PURGES, db)


def _store_letters(services: Services) -> int:
    """Queue the letters about products that are back; return how many."""
    letters = Letters(services.site, services.get(MailSettings).on, services.sessions.config.secrets)
    return store_jobs.run_once(services.databases.of(STORE), letters)


def _forum_letters(services: Services) -> int:
    """Queue the letters about the forums' inboxes that are due; return for how many people it looked."""
    if not services.get(MailSettings).on:
        return 0
    inbox = InboxLetters(services.site.urls[FORUMS], services.sessions.config.secrets)
    return forum_letters.run_once(services.databases.of(FORUMS), inbox)


def _relay_from(database: Database, services: Services) -> int:
    return relay.run_once(database, services.db, worker_metrics.RELAYED)


def _purge(database: Database, _services: Services) -> int:
    return purge.run(PURGES, database)


def _send_mail(services: Services) -> int:
    """Send the letters that are due; return how many were tried."""
    return outgoing.run_once(services.db, services.get(MailSettings))


def _send_webhooks(services: Services) -> int:
    """Send the messages that are due to the endpoints; return how many were delivered."""
    return outbound.run_once(services.db, webhook_settings.parse(services.settings).endpoints)


def _look_for_drift(services: Services) -> int:
    """Do one step of the comparison with FusionAuth that is under way; return 1 where there was one."""
    hour = read(OperationsSettings, services.settings).drift_hour
    return drift_checks.run_once(services.db, services.idp, hour)


def _compare(services: Services, witness: Witness) -> int:
    """Compare the audit log with its newest head that this worker has seen; return 1 for rows that are lost, else 0."""
    try:
        loss = witness.look(services.db)
    except OSError as error:
        log.error("audit.witness_not_written", why=error.strerror)  # noqa: TRY400 - the reason is known
        return 0
    if loss is None:
        return 0
    client = Client(None, f"shopforum worker on {socket.gethostname()}"[:300])
    put = read(WitnessSettings, services.settings).quarantine
    quarantined = witnesses.raise_alarm(services.db, loss, put_into_quarantine=put, client=client)
    log.error(
        "audit.rows_lost",
        rows=loss.rows,
        kept=loss.kept,
        witnessed=str(loss.witnessed),
        since=loss.since and loss.since.isoformat(),
        quarantined=quarantined,
    )
    witness.reset(audit_chain.head(services.db))
    return 1


def _witness(services: Services) -> Witness:
    """Return the memory of the audit log's heads. Raises Stop for a file that cannot be used."""
    file = read(WitnessSettings, services.settings).file
    try:
        return Witness(Path(file) if file else None)
    except SettingsError as error:
        raise Stop(str(error), USAGE) from None


def _seal(services: Services) -> int:
    """Seal new rows of the audit log; return whether there were any."""
    head = session_jobs.seal(services.sessions)
    if head:
        # The witness outside the database: it contradicts an attacker who rewrites or cuts off the log's end.
        log.info("audit.sealed", head=str(head))
    return int(head is not None)


def _give_sign_of_life(services: Services) -> int:
    processes.seen(services.db, processes.WORKER, services.sessions.config.secrets.ids)
    return 0


@dataclass(frozen=True)
class Loop:
    """An act that is repeated: `act` does one step and returns how many rows it worked on. The loop pauses for `idle`
    seconds when nothing was due, and for `busy` seconds after a step with work.
    """

    act: Callable[[Services], int]
    idle: float = _PAUSE_SECONDS
    busy: float = 0.0


# Each has a thread of its own: FusionAuth, a mail server or an endpoint that hangs must not keep the audit log from its
# seals, nor messages of another kind from their way. Several workers share the work of each.
LOOPS = {
    # A worker that has given no sign of life for a minute hangs, or its database is away.
    "sign of life": Loop(_give_sign_of_life, idle=10.0),
    "outbox": Loop(lambda services: session_jobs.deliver(services.sessions)),
    "gate sweep": Loop(lambda services: session_jobs.sweep(services.sessions)),
    # The pause lets the rows of a busy site be sealed in one transaction.
    "sealing": Loop(_seal, busy=0.05),
    "purges": Loop(lambda services: _tidy(services.db), idle=60.0),
    "store letters": Loop(_store_letters),
    "forum letters": Loop(_forum_letters),
    "mail": Loop(_send_mail),
    "webhooks": Loop(_send_webhooks),
    "deletions": Loop(deletion.run_once, idle=30.0),
    # There is one canary a minute for all workers.
    "canary": Loop(measuring.measure, idle=20.0, busy=20.0),
    "drift": Loop(_look_for_drift, idle=10.0),
}


def _loops_of_own_databases(services: Services) -> dict[str, Loop]:
    """Return the loops for each database of a site's own: one that is away holds up nothing of the others."""
    loops = {}
    for part, database in services.databases.apart.items():
        loops[f"relay of the {part}"] = Loop(partial(_relay_from, database))
        loops[f"purges of the {part}"] = Loop(partial(_purge, database), idle=60.0)
    return loops


def _keep(loop: Loop, services: Services, ending: threading.Event) -> None:
    """Repeat an act until `ending` is set."""
    pause = 0.0
    while not ending.wait(pause):
        try:
            pause = loop.busy if loop.act(services) else loop.idle
        except SQLAlchemyError as error:
            _log_error(error)
            pause = _PAUSE_AFTER_ERROR_SECONDS


def _log_error(error: SQLAlchemyError) -> None:
    """Log why the jobs pause: a warning for an outage, which passes by itself, an error with its traceback for a bug."""
    if is_outage(error):
        # The driver's first line names host and port, never the password.
        why = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        log.warning("worker.database_away", error=type(error).__name__, why=why)
    else:
        log.error("worker.database_refuses", error=type(error).__name__, exc_info=error)


def _run(services: Services, witness: Witness) -> None:
    """Work in threads until the process is interrupted or terminated, or a thread dies of a bug. Raises Stop for a bug, and
    for an address of metrics that is taken.

    The main thread waits for the signals and no handler is installed: a handler runs within the code that it interrupts,
    and setting an event there waits for ever if the interrupted code holds the event's lock.
    """
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _serve_metrics(services)
    ending = threading.Event()
    loops = {
        **LOOPS,
        "witness": Loop(lambda services: _compare(services, witness)),
        **_loops_of_own_databases(services),
    }
    threads = [
        threading.Thread(target=_keep, args=(loop, services, ending), name=name)
        for name, loop in loops.items()
    ]
    log.info("worker.started", pid=os.getpid(), frozen_objects=garbage.freeze())
    for thread in threads:
        thread.start()
    while all(thread.is_alive() for thread in threads) and not signal.sigtimedwait(ends, _PAUSE_SECONDS):
        pass
    died = [thread.name for thread in threads if not thread.is_alive()]
    log.info("worker.ending", died=died)
    ending.set()
    for thread in threads:
        thread.join()
    with suppress(SQLAlchemyError):
        processes.ended(services.db)
    log.info("worker.stopped")
    if died:
        raise Stop("The worker stopped because of the error above.", 1)
