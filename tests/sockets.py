"""Real sockets: free ports, a site served as production.ini says, and requests that are written byte by byte."""

import configparser
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from shopforum.serving import Server


def free_ports(number: int) -> list[int]:
    """Return ports of 127.0.0.1 that are free now, no two of them the same."""
    with ExitStack() as stack:
        found = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [one.getsockname()[1] for one in found]


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free now."""
    [port] = free_ports(1)
    return port


@contextmanager
def served(app: Any, *, proxied: bool = False, **options: Any) -> Iterator[int]:
    """Serve an app by waitress, with the options of production.ini and those given; yields the port. Where it is
    `proxied`, the tests are the proxy that production.ini trusts.
    """
    ini = configparser.ConfigParser(interpolation=None)
    ini.read(Path(__file__).parents[1] / "production.ini")
    unwanted = {"use", "listen", *ini.defaults()}
    if not proxied:
        # No proxy stands before the tests: whoever connects is a stranger.
        unwanted |= {"trusted_proxy", "trusted_proxy_headers"}
    kept = {name: value for name, value in ini.items("server:main") if name not in unwanted}
    server = Server(app, listen="127.0.0.1:0", **(kept | options))
    stop = threading.Event()
    thread = threading.Thread(target=server.serve_while, args=(lambda: not stop.is_set(),))
    thread.start()
    try:
        yield server.addresses[0][1]
    finally:
        stop.set()
        thread.join()
        server.close()


class Answer:
    """Return the bytes that came back on a socket until the server closed it."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.statuses = [int(found) for found in re.findall(rb"HTTP/1\.[01] (\d{3}) ", raw)]

    @property
    def status(self) -> int:
        """Of the only answer; 0 where the connection was closed without one."""
        assert len(self.statuses) < 2, self.raw[:500]
        return self.statuses[0] if self.statuses else 0

    def header(self, name: str) -> str | None:
        """A header's first value."""
        found = re.search(rf"^{name}: ([^\r]*)".encode(), self.raw, re.MULTILINE | re.IGNORECASE)
        return found[1].decode("latin-1") if found else None


def send(port: int, request: str | bytes, seconds: float = 10) -> Answer:
    """Send bytes and read until the server closes. Text is sent as latin-1."""
    data = request.encode("latin-1") if isinstance(request, str) else request
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        try:
            connection.sendall(data)
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionResetError:
            # It answered and closed before all was sent.
            pass
    return Answer(received)


def request(method: str, path: str, *headers: str, host: str = "store.test", body: str = "") -> str:
    """The text of an HTTP/1.1 request that asks to close; the body as it is, its length left to the headers."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
    return "\r\n".join(lines) + "\r\n\r\n" + body


def form(path: str, body: str, *headers: str, kind: str = "application/x-www-form-urlencoded") -> str:
    """A POST of a form, well formed as far as HTTP goes."""
    length = len(body.encode("latin-1"))
    return request("POST", path, f"Content-Type: {kind}", f"Content-Length: {length}", *headers, body=body)
