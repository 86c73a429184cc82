"""`shopforum worker INI`: the jobs beside the web server. Several workers may run at once."""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import click
import structlog
from sqlalchemy.exc import SQLAlchemyError

from shopforum.account import jobs as account_jobs
from shopforum.api import jobs as api_jobs
from shopforum.api_tokens import jobs as token_jobs
from shopforum.core import metrics, processes, purge
from shopforum.core.database import Database
from shopforum.core.metrics import MetricsSettings
from shopforum.core.settings import SettingsError, read
from shopforum.forums import jobs as forum_jobs
from shopforum.login import jobs as login_jobs
from shopforum.mail import outgoing
from shopforum.mail.outgoing import MailSettings
from shopforum.sessions import is_outage
from shopforum.sessions import jobs as session_jobs
from shopforum.store import jobs as store_jobs
from shopforum.store.letters import Letters
from shopforum.web.services import Services
from shopforum.webhooks import jobs as webhook_jobs
from shopforum.webhooks import outbound
from shopforum.webhooks import settings as webhook_settings

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
    *processes.PURGES,
)
JOBS = (*token_jobs.JOBS,)

_PAUSE_SECONDS = 1.0
_PAUSE_AFTER_ERROR_SECONDS = 5.0
_TIDY_EVERY_SECONDS = 60.0
# Between two signs of life. A worker that has given none for a minute hangs, or its database is away.
_SEEN_EVERY_SECONDS = 10.0

log = structlog.get_logger()


@click.command
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.option("--once", is_flag=True, help="Do the work that is due now, then exit.")
def command(ini: str, once: bool) -> None:
    """Tell FusionAuth of revocations until it agrees, seal the audit log, send webhooks and mail, delete old rows.

    INI is the ini file of the deployment. The worker runs until it is interrupted or terminated, and finishes the step
    that it has begun.
    """
    services = site(ini, "store")
    if once:
        with reaching_the_database():
            _once(services)
    else:
        _run(services)


def _serve_metrics(services: Services) -> None:
    """Answer for Prometheus where the settings name an address. Raises Stop for one that is taken."""
    address = read(MetricsSettings, services.settings).worker_listen
    if address is None:
        return
    try:
        metrics.serve("metrics.worker_listen", address, worker_metrics.registry_of(services))
    except SettingsError as error:
        raise Stop(str(error), USAGE) from None


def _once(services: Services) -> None:
    while session_jobs.run_once(services.sessions) + _tidy(services.db):
        pass
    while session_jobs.seal(services.sessions):
        pass
    while _send_mail(services) + _send_webhooks(services):
        pass


def _tidy(db: Database) -> int:
    """Do one step of each purge and each job; return how many rows were worked on."""
    return purge.run(PURGES, db) + sum(job.run(db) for job in JOBS)


def _send_mail(services: Services) -> int:
    """Queue the letters that are due, and send them; return how many were tried."""
    mail = services.get(MailSettings)
    queued = store_jobs.run_once(services.db, Letters(services.site, mail.on))
    return queued + outgoing.run_once(services.db, mail)


def _send_webhooks(services: Services) -> int:
    """Send the messages that are due to the endpoints; return how many were delivered."""
    return outbound.run_once(services.db, webhook_settings.parse(services.settings).endpoints)


def _keep(act: Callable[[Services], int], services: Services, ending: threading.Event) -> None:
    """Repeat an act until `ending` is set, with a pause whenever nothing was due.

    Each has a thread of its own: a mail server or an endpoint that hangs must not keep the other from its messages, nor
    FusionAuth from hearing of a revocation.
    """
    pause = 0.0
    while not ending.wait(pause):
        try:
            pause = 0.0 if act(services) else _PAUSE_SECONDS
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


def _run(services: Services) -> None:
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
    targets = {
        "work": partial(_work, services, ending),
        "mail": partial(_keep, _send_mail, services, ending),
        "webhooks": partial(_keep, _send_webhooks, services, ending),
    }
    threads = [threading.Thread(target=target, name=name) for name, target in targets.items()]
    log.info("worker.started", pid=os.getpid())
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


def _work(services: Services, ending: threading.Event) -> None:
    pause = 0.0
    seen = tidied = float("-inf")
    while not ending.wait(pause):
        try:
            if time.monotonic() - seen > _SEEN_EVERY_SECONDS:
                processes.seen(services.db, processes.WORKER)
                seen = time.monotonic()
            done = session_jobs.run_once(services.sessions)
            head = session_jobs.seal(services.sessions)
            if head:
                # The witness outside the database: it contradicts an attacker who rewrites or cuts off the log's end.
                log.info("audit.sealed", head=str(head))
            if time.monotonic() - tidied > _TIDY_EVERY_SECONDS:
                tidied = time.monotonic()
                while _tidy(services.db) and not ending.is_set():
                    pass
            pause = 0.0 if done else _PAUSE_SECONDS
        except SQLAlchemyError as error:
            _log_error(error)
            pause = _PAUSE_AFTER_ERROR_SECONDS
