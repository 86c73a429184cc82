"""Mail: sent over SMTP, tried again when the server is away, and never to what is no address."""

import re
import socketserver
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import clocks
import pytest

from shopforum.account import letters
from shopforum.core.sites import SettingsError
from shopforum.mail import outgoing as mail
from shopforum.mail.outgoing import Letter

LETTER = Letter("sam@harbour.example", "New sign-in", "Hello Šam", "<p>Hello &amp; good day</p>")


class Smtp(socketserver.ThreadingTCPServer):
    """As much of an SMTP server as takes a message."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.commands: list[str] = []
        self.messages: list[bytes] = []
        self.refuse = False
        self.utf8 = False
        # Called before each answer.
        self.meanwhile: Callable[[], object] = lambda: None


class _Talk(socketserver.StreamRequestHandler):
    server: Smtp

    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        while line := self.rfile.readline():
            command = line.decode().strip()
            self.server.commands.append(command)
            word = command[:4].upper()
            if word == "DATA":
                self.wfile.write(b"354 go on\r\n")
                self.server.messages.append(b"".join(iter(self.rfile.readline, b".\r\n")))
            if word == "EHLO" and self.server.utf8:
                self.wfile.write(b"250-here\r\n250-SMTPUTF8\r\n")
            self.server.meanwhile()
            refused = self.server.refuse and word == "RCPT"
            if word == "QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"550 no\r\n" if refused else b"250 fine\r\n")


@pytest.fixture
def smtp() -> Iterator[Smtp]:
    with Smtp() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def db(apps: dict[str, Any]) -> Any:
    return apps["store"].services.db


def settings(smtp: Smtp, **more: str) -> mail.MailSettings:
    host, port = smtp.server_address[:2]
    given = {
        "mail.host": str(host),
        "mail.port": str(port),
        "mail.tls": "none",
        "mail.from": "us@harbour.example",
    }
    return mail.parse(given | more)


def queue(db: Any, letter: Letter = LETTER) -> None:
    with db.transaction() as connection:
        mail.queue(connection, letter)


def test_goes_to_the_server_and_is_kept_no_longer(db: Any, smtp: Smtp, sql: Any) -> None:
    queue(db)
    assert mail.run_once(db, settings(smtp)) == 1
    assert "mail FROM:<us@harbour.example>" in " ".join(smtp.commands)
    assert any(re.match(r"rcpt TO:<sam@harbour\.example>", command) for command in smtp.commands)
    [message] = smtp.messages
    assert b"multipart/alternative" in message
    assert b"Auto-Submitted: auto-generated" in message
    assert sql("SELECT 1 FROM outgoing_mail") == []


def test_the_address_that_stops_letters_stands_unbroken_in_the_header(db: Any, smtp: Smtp) -> None:
    """A header that is encoded or folded is not understood by mail programs (RFC 8058)."""
    address = f"https://forums.example.com/unsubscribe?token={'k' * 90}"
    queue(db, replace(LETTER, unsubscribe=address))
    mail.run_once(db, settings(smtp))
    head = smtp.messages[0].partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert f"List-Unsubscribe: <{address}>".encode() in head
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in head


@pytest.mark.parametrize("away", [True, False])
def test_is_tried_again_later(db: Any, smtp: Smtp, sql: Any, logged: Any, away: bool) -> None:
    queue(db)
    smtp.refuse = True
    given = settings(smtp, **({"mail.port": "9"} if away else {}))
    logged()
    assert mail.run_once(db, given) == 1
    assert mail.run_once(db, given) == 0
    [said] = [line for line in logged().splitlines() if '"mail.failed"' in line]
    assert ("Connection refused" if away else "the server answered") in said
    assert "sam@" not in said
    [row] = sql("SELECT attempts, last_error FROM outgoing_mail")
    assert row["attempts"] == 1
    assert "sam@" not in row["last_error"]
    smtp.refuse = False
    sql("UPDATE outgoing_mail SET next_try_at = now()")
    assert mail.run_once(db, settings(smtp)) == 1
    assert len(smtp.messages) == 1


def test_a_server_without_the_encryption_that_is_wanted_gets_nothing(db: Any, smtp: Smtp) -> None:
    queue(db)
    mail.run_once(db, settings(smtp, **{"mail.tls": "starttls"}))
    assert smtp.messages == []


def test_is_dropped_after_two_days(db: Any, smtp: Smtp, sql: Any) -> None:
    queue(db)
    clocks.pass_time(db, 49 * 3600)
    mail.run_once(db, settings(smtp))
    assert smtp.messages == []
    assert sql("SELECT 1 FROM outgoing_mail") == []
    [row] = sql("SELECT detail FROM audit_log WHERE event = 'letter_not_sent'")
    assert row["detail"] == {"why": "too_old", "last_error": "never tried"}


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("sam@bücher.example", "sam@xn--bcher-kva.example"),
        ("sam@straße.example", "sam@xn--strae-oqa.example"),
        ("sam@BÜCHER.example", "sam@xn--bcher-kva.example"),
        ("jörg@bücher.example", "jörg@xn--bcher-kva.example"),
        ("用户@例子.example", "用户@xn--fsqu00a.example"),
    ],
)
def test_goes_to_an_address_of_any_letters(
    db: Any, smtp: Smtp, sql: Any, tmp_path: Any, typed: str, sent: str
) -> None:
    smtp.utf8 = True
    queue(db, Letter(typed, "s", "p", "h"))
    assert mail.run_once(db, settings(smtp)) == 1
    assert len(smtp.messages) == 1
    assert any(command.startswith(f"rcpt TO:<{sent}>") for command in smtp.commands), smtp.commands
    assert sent.encode() in smtp.messages[0]
    assert sql("SELECT 1 FROM outgoing_mail") == []
    queue(db, Letter(typed, "s", "p", "h"))
    mail.run_once(db, mail.parse({"mail.folder": str(tmp_path)}))
    [file] = tmp_path.iterdir()
    assert sent.encode() in file.read_bytes()


def test_a_server_that_cannot_take_it_is_told_of_in_the_console(
    db: Any, smtp: Smtp, sql: Any, admin: Any
) -> None:
    user_id = uuid.uuid4()
    queue(db, Letter("jörg@bücher.example", "s", "p", "h", "store", user_id))
    queue(db)
    assert mail.run_once(db, settings(smtp)) == 2
    assert len(smtp.messages) == 1
    assert sql("SELECT 1 FROM outgoing_mail") == []
    [row] = sql("SELECT user_id, site, detail FROM audit_log WHERE event = 'letter_not_sent'")
    assert (row["user_id"], row["site"], row["detail"]) == (user_id, "store", {"why": "no_smtputf8"})
    admin.log_in("owner")
    assert (
        "Warning not mailed" in admin.get("/audit?event=letter_not_sent", status=200).html.find("main").text
    )


def test_two_workers_and_a_slow_server_send_each_letter_once(db: Any, smtp: Smtp, sql: Any) -> None:
    """A letter takes most of its lease: of several claimed together, the other worker would take the later ones again."""
    claimed = []
    smtp.meanwhile = lambda: claimed.append(len(sql("SELECT 1 FROM outgoing_mail WHERE next_try_at > now()")))
    for n in range(8):
        queue(db, Letter(f"sam{n}@harbour.example", "s", "p", "h"))

    def work() -> None:
        while sql("SELECT 1 FROM outgoing_mail"):
            mail.run_once(db, settings(smtp))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    to = [command for command in smtp.commands if command.startswith("rcpt")]
    assert len(to) == len(set(to)) == 8
    assert max(claimed) <= 2
    assert sql("SELECT 1 FROM outgoing_mail") == []


def test_a_letter_whose_turn_comes_too_late_is_left_for_the_next_try(
    db: Any, smtp: Smtp, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "_LEASE", 0.4)
    smtp.meanwhile = lambda: time.sleep(0.3)
    queue(db)
    mail.run_once(db, settings(smtp))
    assert smtp.messages == []
    assert sql("SELECT last_error FROM outgoing_mail")[0]["last_error"] == "TimeoutError"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "sam",
        "sam@",
        "@x",
        "a@b\r\nBcc: c@d",
        "a@b,c@d",
        "<a@b>",
        "a b@c",
        "a@b ü.example",
        "a@ü..example",
        "a@ü\r\nBcc: c@d",
        "ä\u0085b@c",
        "ä b@c",
        "ä" * 40 + "@b.example",
        "a@\u2028.example",
        "a@b>",
        "x" * 250 + "@b.example",
    ],
)
def test_nobody_is_written_to_at_what_is_no_address(db: Any, sql: Any, address: str, tmp_path: Path) -> None:
    queue(db, Letter(address, "s", "p", "h", "store"))
    assert mail.run_once(db, mail.MailSettings(folder=tmp_path)) == 1
    assert list(tmp_path.iterdir()) == []
    assert sql("SELECT 1 FROM outgoing_mail") == []
    [row] = sql("SELECT event, site, detail FROM audit_log")
    assert (row["event"], row["site"], row["detail"]) == ("letter_not_sent", "store", {"why": "no_address"})


def test_a_name_is_text_in_the_letter(apps: dict[str, Any]) -> None:
    site = apps["store"].services.site
    at = apps["store"].services.sessions.now()
    letter = letters.new_device("a@b", "<b>{site}</b>", site, at, "<script>", None)
    assert "&lt;b&gt;{site}&lt;/b&gt;" in letter.html
    assert "<script>" not in letter.html
    assert "unknown" in letter.plain


@pytest.mark.parametrize(
    ("key", "value"),
    [("mail.port", "0"), ("mail.port", "x"), ("mail.tls", "yes"), ("mail.from", "us"), ("mail.from", "")],
)
def test_settings_that_make_no_sense_stop_the_start(key: str, value: str) -> None:
    with pytest.raises(SettingsError, match=key):
        mail.parse({"mail.host": "localhost", "mail.from": "us@harbour.example"} | {key: value})


def test_without_a_server_there_is_no_mail() -> None:
    assert not mail.parse({}).on
    assert "hunter2" not in repr(mail.parse({"mail.password": "hunter2"}))
