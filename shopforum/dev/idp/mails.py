"""The provider's mails: written to a folder, one .eml file each, in place of being sent."""

import uuid
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path


class Mails:
    """Writes the mails of one provider. Without a folder they are dropped."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def send(self, recipient: str, subject: str, text: str) -> None:
        """Write one mail."""
        if self._folder is None:
            return
        message = EmailMessage(policy=SMTPUTF8)
        message["From"] = "no-reply@idp.localhost"
        message["To"] = recipient
        message["Subject"] = subject
        message.set_content(text)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self._folder / f"idp-{uuid.uuid4()}.eml").write_bytes(message.as_bytes())
