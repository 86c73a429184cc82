"""A console that listens to FusionAuth, over real HTTP, and a receiver of the webhooks we send."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import text
from support import Browser, url_of
from waiting import eventually
from waitress import create_server, wasyncore
from webhooks.webhook_peers import PATH, Receiver, Sender

import shopforum
from shopforum.dev.idp.database import Database
from shopforum.dev.idp.jwts import SigningKey
from shopforum.webhooks.keys import KeySet, KeysUnavailable


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The console under its own name, whatever name it is called by: `https://admin.test` resolves nowhere."""

    def renamed(environ: dict[str, Any], start_response: Any) -> Any:
        return app(environ | {"HTTP_HOST": "admin.test", "wsgi.url_scheme": "https"}, start_response)

    sockets: dict[int, Any] = {}
    server = create_server(renamed, map=sockets, host="127.0.0.1", port=0, threads=4)
    ending = threading.Event()

    def run() -> None:
        while not ending.is_set():
            wasyncore.loop(timeout=1, map=sockets, count=1)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}{PATH}"
    finally:
        ending.set()
        server.pull_trigger()
        thread.join()
        server.task_dispatcher.shutdown()
        wasyncore.close_all(sockets)


@pytest.fixture(scope="session")
def _console(settings: Callable[[str], dict[str, str]]) -> Iterator[tuple[Any, str]]:
    app = shopforum.main({}, **settings("admin"), **{"webhooks.fusionauth": "RS256"})
    with served(app) as url:
        yield app, url
    app.services.db.engine.dispose()


@pytest.fixture
def console(_console: tuple[Any, str], apps: dict[str, Any]) -> Any:
    """The console as a WSGI app, with webhooks on."""
    # A test may have ended the connections that this pool keeps: one read finds out and replaces them all.
    _console[0].services.db.one(text("SELECT 1"))
    return _console[0]


@pytest.fixture
def address(_console: tuple[Any, str], console: Any) -> str:
    """The console's address, for the identity provider."""
    return _console[1]


@pytest.fixture(scope="session")
def signing_key(_idp: Any) -> SigningKey:
    """The provider's key, which it keeps for as long as it runs. To read it for each test would check its primes each time."""
    with closing(Database(_idp.database)) as database:
        return SigningKey(database)


@pytest.fixture
def fusionauth(console: Any, idp: Any, signing_key: SigningKey) -> Sender:
    """Signs with the provider's own key, which the console has fetched."""
    sender = Sender(Browser(console, url_of("admin"), "192.0.2.77"), signing_key)

    def known() -> bool:
        # The console waits half a second for the keys, and a busy machine may take longer to give them.
        try:
            return bool(console.services.objects[KeySet].signed(sender.sign(b"x"), b"x"))
        except KeysUnavailable:
            return False

    eventually(known)
    return sender


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A real HTTP server; it answers 204 unless told otherwise."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = made.answers.pop(0) if made.answers else 204
            made.got.append(
                {"headers": dict(self.headers), "body": body, "path": self.path, "status": status}
            )
            made.meanwhile()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{made.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Receiver(f"http://127.0.0.1:{server.server_port}/in")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()
