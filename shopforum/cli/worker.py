"""`shopforum worker INI`: the jobs beside the web server. Several may run at once."""

import signal
import threading
import time

import click
import structlog
from sqlalchemy.exc import SQLAlchemyError

from shopforum.account import mail, new_device
from shopforum.account.mail import MailSettings
from shopforum.api import jobs as api_jobs
from shopforum.api_tokens import jobs as token_jobs
from shopforum.core.database import Database
from shopforum.forums import jobs as forum_jobs
from shopforum.login import jobs as login_jobs
from shopforum.sessions import is_outage, jobs
from shopforum.store import jobs as store_jobs
from shopforum.web.services import Services
from shopforum.webhooks import jobs as webhook_jobs
from shopforum.webhooks import outbound
from shopforum.webhooks import settings as webhook_settings

from .deployment import Stop, reaching_the_database, site

_PAUSE_SECONDS = 1.0
_PAUSE_AFTER_ERROR_SECONDS = 5.0
_TIDY_EVERY_SECONDS = 60.0

log = structlog.get_logger()


@click.command
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.option("--once", is_flag=True, help="Do what is due now, then end.")
def command(ini: str, once: bool) -> None:
    """Tell FusionAuth of revocations until it agrees, seal the audit log, send webhooks and mail, purge what is old.

    INI is the ini file of the deployment. Runs until it is interrupted or told to end, and finishes what it has begun.
    """
    services = site(ini, "store")
    if once:
        with reaching_the_database():
            _once(services)
    else:
        _run(services)


def _once(services: Services) -> None:
    while jobs.run_once(services.sessions) + _tidy(services.db):
        pass
    while jobs.seal(services.sessions):
        pass
    while _deliver(services):
        pass


def _tidy(db: Database) -> int:
    """One step of what is merely old; returns how much went."""
    kept = (login_jobs, store_jobs, forum_jobs, api_jobs, token_jobs, webhook_jobs)
    done: int = sum(one.run_once(db) for one in kept)
    return done + new_device.forget(db)


def _deliver(services: Services) -> int:
    """Send mail and webhooks that are due; returns how much was tried."""
    endpoints = webhook_settings.parse(services.settings).endpoints
    return mail.run_once(services.db, services.get(MailSettings)) + outbound.run_once(services.db, endpoints)


def _keep_delivering(services: Services, ending: threading.Event) -> None:
    """A thread of its own: a mail server that hangs must not keep FusionAuth from hearing of a revocation."""
    pause = 0.0
    while not ending.wait(pause):
        try:
            pause = 0.0 if _deliver(services) else _PAUSE_SECONDS
        except SQLAlchemyError as error:
            _note(error)
            pause = _PAUSE_AFTER_ERROR_SECONDS


def _note(error: SQLAlchemyError) -> None:
    """Log why the jobs pause: an outage passes by itself; a fault is there to be seen, and the other jobs go on."""
    if is_outage(error):
        log.warning("worker.database_away", error=type(error).__name__)
    else:
        log.error("worker.database_refuses", error=type(error).__name__, exc_info=error)


def _run(services: Services) -> None:
    """Work in threads until the process is interrupted, told to end, or a thread has died of a fault.

    The signals are waited for and never handled: a handler runs within whatever it interrupts, and setting an event
    there waits for ever where the interrupted code holds the event's lock.
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
        raise Stop("The worker died of the fault above.", 1)


def _work(services: Services, ending: threading.Event) -> None:
    pause = tidied = 0.0
    while not ending.wait(pause):
        try:
            done = jobs.run_once(services.sessions)
            head = jobs.seal(services.sessions)
            if head:
                # The witness outside the database: it contradicts whoever cuts or rewrites the log's end.
                log.info("audit.sealed", head=str(head))
            if time.monotonic() - tidied > _TIDY_EVERY_SECONDS:
                tidied = time.monotonic()
                while _tidy(services.db) and not ending.is_set():
                    pass
            pause = 0.0 if done else _PAUSE_SECONDS
        except SQLAlchemyError as error:
            _note(error)
            pause = _PAUSE_AFTER_ERROR_SECONDS
