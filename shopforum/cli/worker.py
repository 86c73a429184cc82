"""`shopforum worker INI`: the jobs beside the web server. Several workers may run at once."""

import signal
import threading
import time

import click
import structlog
from sqlalchemy.exc import SQLAlchemyError

from shopforum.account import jobs as account_jobs
from shopforum.api import jobs as api_jobs
from shopforum.api_tokens import jobs as token_jobs
from shopforum.core import purge
from shopforum.core.database import Database
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

from .deployment import Stop, reaching_the_database, site

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
)
JOBS = (*token_jobs.JOBS,)

_PAUSE_SECONDS = 1.0
_PAUSE_AFTER_ERROR_SECONDS = 5.0
_TIDY_EVERY_SECONDS = 60.0

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


def _once(services: Services) -> None:
    while session_jobs.run_once(services.sessions) + _tidy(services.db):
        pass
    while session_jobs.seal(services.sessions):
        pass
    while _deliver(services):
        pass


def _tidy(db: Database) -> int:
    """Do one step of each purge and each job; return how many rows were worked on."""
    return purge.run(PURGES, db) + sum(job.run(db) for job in JOBS)


def _deliver(services: Services) -> int:
    """Queue and send mail, and send webhooks, that are due; return how many were tried."""
    endpoints, mail = webhook_settings.parse(services.settings).endpoints, services.get(MailSettings)
    queued = store_jobs.run_once(services.db, Letters(services.site, mail.on))
    return queued + outgoing.run_once(services.db, mail) + outbound.run_once(services.db, endpoints)


def _keep_delivering(services: Services, ending: threading.Event) -> None:
    """Deliver until `ending` is set.

    This has a thread of its own: a mail server that hangs must not keep FusionAuth from hearing of a revocation.
    """
    pause = 0.0
    while not ending.wait(pause):
        try:
            pause = 0.0 if _deliver(services) else _PAUSE_SECONDS
        except SQLAlchemyError as error:
            _log_error(error)
            pause = _PAUSE_AFTER_ERROR_SECONDS


def _log_error(error: SQLAlchemyError) -> None:
    """Log why the jobs pause: a warning for an outage, which passes by itself, an error with its traceback for a bug."""
    if is_outage(error):
        log.warning("worker.database_away", error=type(error).__name__)
    else:
        log.error("worker.database_refuses", error=type(error).__name__, exc_info=error)


def _run(services: Services) -> None:
    """Work in threads until the process is interrupted or terminated, or a thread dies of a bug. Raises Stop for a bug.

    The main thread waits for the signals and no handler is installed: a handler runs within the code that it interrupts,
    and setting an event there waits for ever if the interrupted code holds the event's lock.
    """
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    ending = threading.Event()
    threads = [
        threading.Thread(target=work, args=(services, ending), name=work.__name__)
        for work in (_work, _keep_delivering)
    ]
    for thread in threads:
        thread.start()
    while all(thread.is_alive() for thread in threads) and not signal.sigtimedwait(ends, _PAUSE_SECONDS):
        pass
    died = not all(thread.is_alive() for thread in threads)
    ending.set()
    for thread in threads:
        thread.join()
    if died:
        raise Stop("The worker stopped because of the error above.", 1)


def _work(services: Services, ending: threading.Event) -> None:
    pause = tidied = 0.0
    while not ending.wait(pause):
        try:
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
