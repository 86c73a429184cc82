"""Mail: queued in the database with what it tells of, sent by the worker, never by a request."""

import re
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path

from sqlalchemy import Connection, RowMapping, text

from ..core.settings import SettingsError, read, setting
from ..sessions.database import Database
from ..sessions.purging import purge

_TIMEOUT = 10
_LEASE = 60
_LONGEST_WAIT = 3600
_STEP = 20

# One address and nothing around it: what stands here becomes a header and an SMTP command.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")

_QUEUE = text(
    """INSERT INTO outgoing_mail (recipient, subject, plain, html) VALUES (:recipient, :subject, :plain, :html)"""
)

_CLAIM = text(
    """
WITH due AS MATERIALIZED (
  SELECT id FROM outgoing_mail WHERE next_try_at <= now()
  ORDER BY next_try_at LIMIT :step FOR UPDATE SKIP LOCKED
)
UPDATE outgoing_mail m SET attempts = attempts + 1, next_try_at = clock_timestamp() + :lease * interval '1 second'
FROM due WHERE m.id = due.id RETURNING m.*"""
)

_SENT = text("DELETE FROM outgoing_mail WHERE id = :id")

_FAILED = text(
    """UPDATE outgoing_mail SET last_error = :error, next_try_at = clock_timestamp()
      + least(:longest, 10 * power(2, least(attempts - 1, 20))) * interval '1 second' WHERE id = :id"""
)

# Who did not get the news in two days is not helped by it any more.
_DROP = purge("outgoing_mail", "created_at < now() - interval '2 days'", "created_at")


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError("must be an e-mail address")
    return text


@dataclass(frozen=True, kw_only=True)
class MailSettings:
    """How mail goes out; with neither a host nor a folder none is written."""

    host: str = setting("mail.host", "", "the SMTP server")
    port: int = setting("mail.port", 587, "its port", least=1, most=65535)
    tls: str = setting(
        "mail.tls",
        "starttls",
        "how the connection is encrypted; tls from the first byte",
        of=("starttls", "tls", "none"),
    )
    user: str = setting("mail.user", "", "who we are to the server, if it asks")
    password: str = setting("mail.password", "", "and the password", secret=True)
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
    new_device: bool = setting(
        "mail.new_device", True, "tell people of logins with a device of theirs that is new"
    )

    @property
    def on(self) -> bool:
        """Whether there is a way to send."""
        return bool(self.host or self.folder)


@dataclass(frozen=True)
class Letter:
    """One message, as plain text and as HTML."""

    recipient: str
    subject: str
    plain: str
    html: str


def parse(raw: Mapping[str, str]) -> MailSettings:
    """Read the settings. Raises SettingsError."""
    if raw.get("mail.host", "").strip() and not raw.get("mail.from", "").strip():
        raise SettingsError("mail.from must be set where mail.host is")
    return read(MailSettings, raw)


def queue(connection: Connection, letter: Letter) -> bool:
    """Queue a letter in the caller's transaction. False for a recipient that is no address we would write to."""
    if len(letter.recipient) > 254 or not _ADDRESS.fullmatch(letter.recipient):
        return False
    connection.execute(_QUEUE, vars(letter))
    return True


def run_once(db: Database, settings: MailSettings) -> int:
    """Send what is due; returns how much was tried. Safe to run in several processes at once.

    A letter may arrive twice where the server took it and we could not write that down.
    """
    dropped = len(db.all(_DROP, step=_STEP))
    if not settings.on:
        return dropped
    claimed = db.all(_CLAIM, step=_STEP, lease=_LEASE)
    for row in claimed:
        try:
            _send(settings, row)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # The server's words may hold the address.
            db.all(_FAILED, id=row["id"], error=type(error).__name__, longest=_LONGEST_WAIT)
        else:
            db.all(_SENT, id=row["id"])
    return dropped + len(claimed)


def _send(settings: MailSettings, row: RowMapping) -> None:
    message = _message(settings, row)
    if settings.folder:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (settings.folder / f"{row['id']:06}.eml").write_bytes(bytes(message))
        return
    context = ssl.create_default_context()
    if settings.tls == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            settings.host, settings.port, timeout=_TIMEOUT, context=context
        )
    else:
        server = smtplib.SMTP(settings.host, settings.port, timeout=_TIMEOUT)
    with server:
        if settings.tls == "starttls":
            server.starttls(context=context)
        if settings.user:
            server.login(settings.user, settings.password)
        server.send_message(message)


def _message(settings: MailSettings, row: RowMapping) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.sender, row["recipient"], row["subject"]
    message["Date"] = format_datetime(row["created_at"])
    message["Message-ID"] = make_msgid(str(row["id"]), settings.sender.partition("@")[2])
    # RFC 3834: no answering machine should reply.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(row["plain"])
    message.add_alternative(row["html"], subtype="html")
    return message
