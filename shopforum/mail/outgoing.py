"""Mail: a letter is queued in the transaction of the event that it reports. The worker sends it, never a request."""

import re
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Any
from uuid import UUID

import idna
import structlog
from sqlalchemy import Connection, text

from ..core import network_deadlines
from ..core.causes import cause
from ..core.database import Database, ResultRow, once_more
from ..core.purge import Purge
from ..core.queue import Queue
from ..core.rows import build
from ..core.settings import SettingsError, read, setting
from ..sessions import audit
from ..sessions.audit import Client, Event
from ..sessions.vocabulary import EventName, InitiatingEntity

# Seconds for each answer of the server. A letter whose sending could not begin within half of its lease is left for the
# next try: sending takes a few more answers, and no other worker may claim the letter meanwhile. Nor may a server that
# answers letter by letter hold it for longer.
_TIMEOUT = 10
_LEASE = 120
_LONGEST = _LEASE - 2 * _TIMEOUT
_STEP = 20

log = structlog.get_logger("shopforum")

# Lines as long as a server must take (RFC 5322, 2.1.1). Shorter ones would encode a long address in a header, and no mail
# program would find it there.
_FORMAT = policy.SMTP.clone(max_line_length=998)

# Exactly one address and nothing around it: the text becomes a header and an SMTP command. Letters of any script may
# stand before the @ (RFC 6531); a domain is always sent in ASCII.
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\u00a1-\U0010ffff-]+")
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")

_INSERT = text(
    """INSERT INTO outgoing_mail (recipient, subject, plain, html, site, user_id, unsubscribe)
    VALUES (:recipient, :subject, :plain, :html, :site, :user_id, :unsubscribe)"""
)

# A letter is deleted when it is sent. Only the worker whose claim is the latest may do that.
_QUEUE = Queue(
    "outgoing_mail",
    lease=_LEASE,
    first_wait=10,
    longest_wait=3600,
    finish="DELETE FROM outgoing_mail WHERE id = :id AND attempts = :attempts RETURNING 1",
)

# A warning that has not arrived within two days helps nobody any more.
_TOO_OLD = Purge(
    "outgoing_mail",
    "created_at < now() - interval '2 days'",
    order="created_at",
    step=_STEP,
    returning="site, user_id, last_error",
)


def _address(text: str) -> str:
    if address(text) != text:
        raise ValueError("must be an e-mail address")
    return text


@dataclass(frozen=True, kw_only=True)
class MailSettings:
    """The settings for sending mail. Without a host and without a folder no mail is written."""

    host: str = setting("mail.host", "", "the SMTP server")
    port: int = setting("mail.port", 587, "its port", least=1, most=65535)
    tls: str = setting(
        "mail.tls",
        "starttls",
        "how the connection is encrypted; tls: from the first byte",
        of=("starttls", "tls", "none"),
    )
    user: str = setting("mail.user", "", "the user name for the server, if it asks for one")
    password: str = setting("mail.password", "", "the password for the server", secret=True)
    sender: str = setting(
        "mail.from",
        "shopforum@localhost",
        "the sender's address; needed with a host",
        convert=_address,
        kind="e-mail address",
    )
    folder: Path | None = setting(
        "mail.folder",
        None,
        "development: a folder for .eml files, in place of a server",
        convert=Path,
        kind="path",
        optional=True,
    )
    new_device: bool = setting("mail.new_device", True, "send people mail about logins with a new device")

    @property
    def on(self) -> bool:
        """Return whether mail can be sent."""
        return bool(self.host or self.folder)


@dataclass(frozen=True)
class Letter:
    """One message to one recipient, as plain text and as HTML. `site` and `user_id` are for the audit log.

    `unsubscribe`: an address to which a POST, without a login, stops letters of this kind; "" for letters that cannot be stopped.
    """

    recipient: str
    subject: str
    plain: str
    html: str
    site: str = ""
    user_id: UUID | None = None
    unsubscribe: str = ""


@dataclass(frozen=True)
class _Queued:
    """A letter in the queue."""

    id: int
    created_at: datetime
    recipient: str
    subject: str
    plain: str
    html: str
    unsubscribe: str


class _CannotSend(Exception):
    """The server can never take this letter. The message is a code for the audit log."""


def parse(raw: Mapping[str, str]) -> MailSettings:
    """Read the mail settings. Raises SettingsError."""
    if raw.get("mail.host", "").strip() and not raw.get("mail.from", "").strip():
        raise SettingsError("mail.from must be set where mail.host is")
    return read(MailSettings, raw)


def queue(connection: Connection, letter: Letter) -> bool:
    """Queue a letter in the caller's transaction.

    Return False if the recipient is no address that mail can be sent to; this is noted in the audit log.
    """
    recipient = address(letter.recipient)
    if recipient is None:
        _note_unsent(connection, letter.site, letter.user_id, "no_address")
        return False
    connection.execute(_INSERT, {**vars(letter), "recipient": recipient})
    return True


def address(typed: str) -> str | None:
    """Return an e-mail address with its domain in ASCII (punycode), or None if the text is not exactly one address."""
    local, _, domain = typed.rpartition("@")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode()
        except idna.IDNAError:
            return None
    if not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        return None
    found = f"{local}@{domain}"
    return found if len(local.encode()) <= 64 and len(found.encode()) <= 254 else None


def run_once(db: Database, settings: MailSettings) -> int:
    """Send the letters that are due, one after the other; return how many were tried or given up.

    Safe to run in several processes at once. A letter may arrive twice if the server took it and the database could not
    be told. A letter that cannot be sent is noted in the audit log.
    """
    done = drop_old(db)
    # One letter at a time: the last of several would wait for the others to be sent, and outlast its lease.
    while settings.on and done < _STEP and (claimed := _QUEUE.claim(db, 1)):
        [row] = claimed
        done += 1
        try:
            _send(settings, build(_Queued, row), time.monotonic() + _LEASE / 2)
        except _CannotSend as error:
            log.warning("mail.given_up", letter=row["id"], why=str(error))
            _give_up(db, row, str(error))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # The text of the server's answer may hold the address.
            why = cause(error)
            log.warning("mail.failed", letter=row["id"], attempts=row["attempts"], why=why)
            _QUEUE.failed(db, row, why)
        else:
            _QUEUE.done(db, row)
    return done


@once_more
def drop_old(db: Database, step: int | None = None) -> int:
    """Delete the letters that are too old to help, at most `step`, and note each in the audit log; return how many."""
    with db.transaction() as connection:
        rows = connection.execute(_TOO_OLD.statement, {"step": step or _TOO_OLD.step}).mappings().all()
        for row in rows:
            last_error = row["last_error"] or "never tried"
            _note_unsent(connection, row["site"], row["user_id"], "too_old", last_error=last_error)
        return len(rows)


@once_more
def _give_up(db: Database, row: ResultRow, why: str) -> None:
    with db.transaction() as connection:
        claim = {"id": row["id"], "attempts": row["attempts"]}
        if connection.execute(_QUEUE.finish_statement, claim).first():
            _note_unsent(connection, row["site"], row["user_id"], why)


def _note_unsent(connection: Connection, site: str, user_id: UUID | None, why: str, **more: str) -> None:
    """Write to the audit log that somebody was not warned: the console and the person's own activity show it."""
    event = Event(
        EventName.MAIL_NOT_SENT,
        site or "all",
        Client(),
        initiating_entity=InitiatingEntity.SYSTEM,
        user_id=user_id,
        detail={"why": why, **more},
    )
    audit.write(connection, event)


def _send(settings: MailSettings, letter: _Queued, begin_by: float) -> None:
    """Send a letter.

    Raises TimeoutError if sending has not begun by `begin_by` (`time.monotonic()`), _CannotSend, OSError,
    smtplib.SMTPException.
    """
    message, plain = _message(settings, letter), letter.recipient.isascii()
    if settings.folder:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        content = message.as_bytes(policy=_FORMAT if plain else _FORMAT.clone(utf8=True))
        (settings.folder / f"{letter.id:06}.eml").write_bytes(content)
        return
    with connected(settings) as server:
        if not plain and not server.has_extn("smtputf8"):
            raise _CannotSend("no_smtputf8")
        if time.monotonic() > begin_by:
            raise TimeoutError
        server.send_message(message, settings.sender, [letter.recipient])


class _Watched(smtplib.SMTP):
    def _get_socket(self, *args: Any) -> socket.socket:
        connection: socket.socket = super()._get_socket(*args)  # type: ignore[misc]  # not in the stubs
        network_deadlines.watch(connection)
        return connection


class _WatchedTls(smtplib.SMTP_SSL, _Watched):
    pass


@contextmanager
def connected(
    settings: MailSettings, timeout: float = _TIMEOUT, longest: float = _LONGEST
) -> Iterator[smtplib.SMTP]:
    """Connect to the mail server, encrypted and signed in as the settings say.

    `timeout` is for each answer and `longest` for all of them, in seconds. Raises OSError, smtplib.SMTPException.
    """
    context = ssl.create_default_context()
    with ExitStack() as stack:
        stack.enter_context(network_deadlines.ended_after(longest))
        if settings.tls == "tls":
            server: smtplib.SMTP = _WatchedTls(settings.host, settings.port, timeout=timeout, context=context)
        else:
            server = _Watched(settings.host, settings.port, timeout=timeout)
        stack.enter_context(server)
        if settings.tls == "starttls":
            server.starttls(context=context)
        if settings.user:
            server.login(settings.user, settings.password)
        server.ehlo_or_helo_if_needed()
        yield server


def _message(settings: MailSettings, letter: _Queued) -> EmailMessage:
    message = EmailMessage(_FORMAT)
    message["From"], message["To"], message["Subject"] = settings.sender, letter.recipient, letter.subject
    message["Date"] = format_datetime(letter.created_at)
    message["Message-ID"] = make_msgid(str(letter.id), settings.sender.partition("@")[2])
    # RFC 3834: no answering machine should reply.
    message["Auto-Submitted"] = "auto-generated"
    if letter.unsubscribe:
        # RFC 8058. Mail servers believe these two only if a DKIM signature covers them.
        message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(letter.plain)
    message.add_alternative(letter.html, subtype="html")
    return message
