"""The mails that the identity provider has written in this test."""

import email
import re
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from support import Idp


def mails(idp: Idp) -> list[EmailMessage]:
    """Take the mails out of the provider's folder, oldest first."""
    paths = sorted((idp.database.parent / "mail").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    found = [_read(path) for path in paths]
    for path in paths:
        path.unlink()
    return found


def link_of(mail: EmailMessage) -> str:
    """Return the link in a mail."""
    [link] = re.findall(r"https?://\S+", mail.get_content())
    return link


def _read(path: Path) -> EmailMessage:
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    return message
