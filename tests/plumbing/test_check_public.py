"""`shopforum check` sends itself a request: what proxies change on the way is found, each with its cure."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sockets import served
from support import url_of

from shopforum.cli import check_public
from shopforum.sessions.keyring import Keyring
from shopforum.web import probe

URL = url_of("store")


@pytest.fixture(scope="module")
def keyring() -> Keyring:
    return Keyring(["tests-only-0123456789-0123456789-0123456789"])


@pytest.fixture
def found(apps: Any, keyring: Keyring) -> Callable[..., list[Any]]:
    """`found(headers, **options)`: the faults of a proxy that sends these headers to a server with these options."""

    def run(headers: dict[str, str], policy: str | None = None, **options: Any) -> list[Any]:
        proxied = {
            "Host": "store.test",
            "Origin": URL,
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": "198.51.100.7",
        }
        sent = {name: value for name, value in (proxied | headers).items() if value}
        with served(apps["store"], proxied=True, **options) as port:
            answer = probe.ask(f"http://127.0.0.1:{port}", keyring, headers=sent, timeout=60)
        if policy:
            answer = probe.Answer(answer.status, policy, answer.received)
        return [*check_public.judge("store", "store", URL, answer)]

    return run


def test_a_good_proxy_has_no_fault(found: Any) -> None:
    [one] = found({})
    assert one.problem == ""
    assert one.fine.startswith("https, Host store.test, client 198.51.100.7;")


@pytest.mark.parametrize(
    ("headers", "more", "problem", "cure"),
    [
        ({"Host": "127.0.0.1:6543"}, {}, "the Host came as '127.0.0.1:6543'", "$http_host"),
        ({"X-Forwarded-Proto": ""}, {}, "https came as http", "let the proxy set X-Forwarded-Proto"),
        ({"X-Forwarded-Proto": "http"}, {}, "https came as http", "set X-Forwarded-Proto to 'http'"),
        ({}, {"trusted_proxy": "192.0.2.1"}, "https came as http", "add 127.0.0.1 to trusted_proxy"),
        ({"X-Forwarded-For": ""}, {}, "all clients are 127.0.0.1", "X-Forwarded-For"),
        (
            {"X-Forwarded-For": "192.0.2.77"},
            {},
            "an address that the client has written",
            "trusted_proxy_count",
        ),
        ({"Origin": ""}, {}, "the Origin does not come", "forward Origin unchanged"),
        ({"Origin": "null"}, {}, "the Origin came as 'null'", "forward Origin unchanged"),
        ({}, {"policy": "same-origin, no-referrer"}, "'same-origin, no-referrer'", "remove Referrer-Policy"),
    ],
)
def test_faults_of_a_proxy_are_found_with_their_fix(
    found: Any, headers: dict[str, str], more: dict[str, Any], problem: str, cure: str
) -> None:
    [one] = found(headers, **more)
    assert problem in one.problem
    assert cure in one.fix


@contextmanager
def answering(status: int) -> Iterator[str]:
    """A server that is another one's."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Location", "https://elsewhere.test/")
            self.end_headers()
            self.wfile.write(b"[1]")

        def log_message(self, *_rest: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [200, 302, 404, 502])
def test_another_server_is_called_so(keyring: Keyring, status: int) -> None:
    with answering(status) as url:
        [one] = check_public.judge("store", "store", url, probe.ask(url, keyring, timeout=60))
    assert f"answers {status}, and not as this deployment does" in one.problem


def test_another_site_is_called_so(apps: Any, keyring: Keyring) -> None:
    with served(apps["forums"], proxied=True) as port:
        headers = {
            "Host": "store.test",
            "Origin": URL,
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": "198.51.100.7",
        }
        answer = probe.ask(f"http://127.0.0.1:{port}", keyring, headers=headers, timeout=60)
    [one] = check_public.judge("store", "store", URL, answer)
    assert "the site forums answers" in one.problem
