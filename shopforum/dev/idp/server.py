"""Serving the provider with waitress on loopback: as a process, and in a thread for the tests."""

import ipaddress
import signal
import socket
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from waitress import create_server, wasyncore

from . import make_app
from .gate import LARGEST_BODY
from .service import Service

_THREADS = 16


def require_loopback(host: str) -> None:
    """Raise ValueError unless every address of ``host`` is a loopback address."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)} if host else set()
    except (OSError, UnicodeError) as error:
        raise ValueError(f"{host!r} is not a host name") from error
    if not found or not all(ipaddress.ip_address(address).is_loopback for address in found):
        raise ValueError(f"the development identity provider only listens on loopback, not on {host!r}")


def serve(
    database: str | Path,
    api_key: str,
    host: str,
    port: int,
    webhook: str | None = None,
    mail_folder: Path | None = None,
    webhook_authority: Path | None = None,
) -> None:
    """Serve until the process is interrupted or told to end. Prints one line when it listens.

    Raises ValueError for a host that is not loopback and OSError when the port is taken.
    """
    require_loopback(host)
    # Waited for and never handled: a handler runs within whatever it interrupts, which may hold a lock that it needs.
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with Running(database, api_key, port, host, webhook, mail_folder, webhook_authority):
        shown = f"[{host}]" if ":" in host else host
        sys.stdout.write(f"development identity provider listening on http://{shown}:{port}\n")
        sys.stdout.flush()
        signal.sigwait(ends)


class Running:
    """A provider in threads of this process.

    ``url`` is its base address, ``hooks`` that of its test hooks, ``port`` its port and ``api_key`` its API
    key. A context manager: leaving it closes the server.
    """

    def __init__(
        self,
        database: str | Path,
        api_key: str,
        port: int,
        host: str = "127.0.0.1",
        webhook: str | None = None,
        mail_folder: Path | None = None,
        webhook_authority: Path | None = None,
    ) -> None:
        self.api_key = api_key
        self._service = Service(database, api_key, webhook, mail_folder, webhook_authority)
        self._sockets: dict[int, object] = {}
        self._server = create_server(
            make_app(self._service),
            map=self._sockets,
            host=host,
            port=port,
            threads=_THREADS,
            max_request_body_size=LARGEST_BODY,
            ident=None,
        )
        self.port = int(self._server.effective_port)
        self.url = f"http://127.0.0.1:{self.port}"
        self.hooks = f"{self.url}/hooks"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"idp-{self.port}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(timeout=1, map=self._sockets, count=1)

    def close(self) -> None:
        """Stop serving, end every connection and release the port. Does nothing the second time."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._service.state.reset()
        self._server.pull_trigger()
        self._thread.join()
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._sockets)
        self._service.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve_in_thread(
    database: str | Path, api_key: str, port: int = 0, mail_folder: Path | None = None
) -> Running:
    """Serve from a thread on 127.0.0.1, on any free port unless one is given; listening when this returns."""
    return Running(database, api_key, port, mail_folder=mail_folder)
