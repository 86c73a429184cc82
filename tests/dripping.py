"""A server that sends one byte each tenth of a second, for ever: no single read of it times out."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Dripping:
    """`address` is `host:port`; `drops` counts the bytes that were sent one at a time."""

    def __init__(self) -> None:
        self.drops = 0
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"

    def serve(self, begin: bytes, *, asked: bool) -> None:
        # Nobody may ever come: where a test fails before it asks, the server is ended by its own connection.
        connection, _ = self._listener.accept()
        with connection, suppress(OSError):
            if asked:
                connection.recv(65536)
            connection.sendall(begin)
            while not self._over.wait(0.1):
                connection.sendall(b"x")
                self.drops += 1

    def end(self) -> None:
        self._over.set()
        socket.create_connection(self._listener.getsockname()).close()

    def close(self) -> None:
        self._listener.close()


@contextmanager
def dripping(begin: bytes, *, asked: bool = True) -> Iterator[Dripping]:
    """Serve one connection: these bytes first, once it was `asked`, and then the drops."""
    server = Dripping()
    thread = threading.Thread(target=server.serve, args=(begin,), kwargs={"asked": asked})
    thread.start()
    try:
        yield server
    finally:
        server.end()
        thread.join()
        server.close()
