"""Mail: queued in the database with what it tells of, sent by the worker, never by a request."""

import re
import smtplib
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Any
from uuid import UUID

import idna
from sqlalchemy import Connection, RowMapping, text

from ..core.database import Database, once_more
from ..core.purge import purge
from ..core.settings import SettingsError, read, setting
from ..sessions import audit
from ..sessions.audit import Client, Event

# Seconds for each answer of the server. A letter that could not be begun within half of its lease is left for the next
# try: it takes a handful of answers more, and nobody else may have it meanwhile.
_TIMEOUT = 10
_LEASE = 120
_LONGEST_WAIT = 3600
_STEP = 20

# One address and nothing around it: what stands here becomes a header and an SMTP command. Before the @ any letters may
# stand (RFC 6531); a domain is written in ASCII wherever it goes.
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\u00a1-\U0010ffff-]+")
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")

_QUEUE = text(
    """INSERT INTO outgoing_mail (recipient, subject, plain, html, site, user_id)
    VALUES (:recipient, :subject, :plain, :html, :site, :user_id)"""
)

# One at a time: of several, the last would wait for the others to be sent, and outlast its lease.
_CLAIM = text(
    """
WITH due AS MATERIALIZED (
  SELECT id FROM outgoing_mail WHERE next_try_at <= now()
  ORDER BY next_try_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE outgoing_mail m SET attempts = attempts + 1, next_try_at = clock_timestamp() + :lease * interval '1 second'
FROM due WHERE m.id = due.id RETURNING m.*"""
)

# The number of tries is the claim's: whoever comes too late for its own changes nothing.
_OVER = text("DELETE FROM outgoing_mail WHERE id = :id AND attempts = :attempts RETURNING 1")

_FAILED = text(
    """UPDATE outgoing_mail SET last_error = :error, next_try_at = clock_timestamp()
      + least(:longest, 10 * power(2, least(attempts - 1, 20))) * interval '1 second' WHERE id = :id AND attempts = :attempts"""
)

# Who did not get the news in two days is not helped by it any more.
_DROP = purge(
    "outgoing_mail", "created_at < now() - interval '2 days'", "created_at", "site, user_id, last_error"
)


def _address(text: str) -> str:
    if address(text) != text:
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
    """One message, as plain text and as HTML; to whom, and of which site."""

    recipient: str
    subject: str
    plain: str
    html: str
    site: str = ""
    user_id: UUID | None = None


class _NoWay(Exception):
    """The server cannot take this letter, now or later. The message is a code for the audit log."""


def parse(raw: Mapping[str, str]) -> MailSettings:
    """Read the settings. Raises SettingsError."""
    if raw.get("mail.host", "").strip() and not raw.get("mail.from", "").strip():
        raise SettingsError("mail.from must be set where mail.host is")
    return read(MailSettings, raw)


def queue(connection: Connection, letter: Letter) -> bool:
    """Queue a letter in the caller's transaction. False for a recipient that is no address we would write to, which is
    noted in the audit log.
    """
    recipient = address(letter.recipient)
    if recipient is None:
        _note_unsent(connection, vars(letter), "no_address")
        return False
    connection.execute(_QUEUE, {**vars(letter), "recipient": recipient})
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
    """Send what is due, one letter after the other; returns how much was tried. Safe to run in several processes at once.

    A letter may arrive twice where the server took it and we could not write that down. One that cannot be sent is in the
    audit log.
    """
    done = _drop(db)
    while settings.on and done < _STEP and (row := db.one(_CLAIM, lease=_LEASE)):
        done += 1
        claim = {"id": row["id"], "attempts": row["attempts"]}
        try:
            _send(settings, row, time.monotonic() + _LEASE / 2)
        except _NoWay as way:
            _give_up(db, row, str(way))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # The server's words may hold the address.
            db.all(_FAILED, **claim, error=type(error).__name__, longest=_LONGEST_WAIT)
        else:
            db.all(_OVER, **claim)
    return done


@once_more
def _drop(db: Database) -> int:
    with db.transaction() as connection:
        rows = connection.execute(_DROP, {"step": _STEP}).mappings().all()
        for row in rows:
            _note_unsent(connection, row, "too_old", last_error=row["last_error"] or "never tried")
        return len(rows)


@once_more
def _give_up(db: Database, row: RowMapping, why: str) -> None:
    with db.transaction() as connection:
        if connection.execute(_OVER, {"id": row["id"], "attempts": row["attempts"]}).first():
            _note_unsent(connection, row, why)


def _note_unsent(
    connection: Connection, letter: Mapping[str, Any] | RowMapping, why: str, **more: str
) -> None:
    """Somebody was not warned: the console shows it, and so does the person's own list of what happened."""
    event = Event(
        "letter_not_sent",
        letter["site"] or "all",
        Client(),
        initiating_entity="system",
        user_id=letter["user_id"],
        detail={"why": why, **more},
    )
    audit.write(connection, event)


def _send(settings: MailSettings, row: RowMapping, begin_by: float) -> None:
    """Send a letter, unless its turn comes later than `begin_by` (`time.monotonic()`). Raises _NoWay."""
    message, plain = _message(settings, row), row["recipient"].isascii()
    if settings.folder:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        content = message.as_bytes(policy=policy.SMTP if plain else policy.SMTPUTF8)
        (settings.folder / f"{row['id']:06}.eml").write_bytes(content)
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
        server.ehlo_or_helo_if_needed()
        if not plain and not server.has_extn("smtputf8"):
            raise _NoWay("no_smtputf8")
        if time.monotonic() > begin_by:
            raise TimeoutError
        server.send_message(message, settings.sender, [row["recipient"]])


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
