"""Requests written byte by byte to a real server: request lines, Host, lengths, chunks, and forms of every odd kind.

Nothing is a 500, nothing hangs, nothing is answered for another host, and afterwards the session is as it was.
"""

import socket
from contextlib import ExitStack

import pytest
from http_helpers import credentials
from sockets import form, request, send, served

CART = "/shopping-cart"
KIND = "Content-Type: application/x-www-form-urlencoded"


@pytest.fixture
def port(apps):
    with served(apps["store"]) as port:
        yield port


@pytest.fixture
def cookie(store):
    store.log_in("shopper")
    return "Cookie: " + "; ".join(f"{name}={value}" for name, value in credentials(store).items())


def lines(*given, body=""):
    return "\r\n".join([*given, "Connection: close", "", body])


HOSTS = {
    "the site": (lines("GET / HTTP/1.1", "Host: store.test"), {200}),
    "in capitals": (lines("GET / HTTP/1.1", "Host: STORE.TEST"), {200}),
    "none": (lines("GET / HTTP/1.1"), {400, 421}),
    "none, in HTTP/1.0": (lines("GET / HTTP/1.0"), {400, 421}),
    "two": (lines("GET / HTTP/1.1", "Host: store.test", "Host: evil.test"), {400, 421}),
    "two alike": (lines("GET / HTTP/1.1", "Host: store.test", "Host: store.test"), {400, 421}),
    "with a port": (lines("GET / HTTP/1.1", "Host: store.test:443"), {421}),
    "with a dot": (lines("GET / HTTP/1.1", "Host: store.test."), {421}),
    "with a user": (lines("GET / HTTP/1.1", "Host: evil@store.test"), {421}),
    "with a path": (lines("GET / HTTP/1.1", "Host: store.test/evil"), {421}),
    "with a tab": (lines("GET / HTTP/1.1", "Host: store.test\tevil"), {400, 421}),
    "fullwidth": (lines("GET / HTTP/1.1", "Host: store\xef\xbc\x8etest"), {421}),
    "punycode": (lines("GET / HTTP/1.1", "Host: xn--store-.test"), {421}),
    "an address": (lines("GET / HTTP/1.1", "Host: [::1]:443"), {421}),
    "with an underscore": (lines("GET / HTTP/1.1", "Host: evil.test", "Host_: store.test"), {421}),
    "absolute form, another Host": (lines("GET https://store.test/ HTTP/1.1", "Host: evil.test"), {421}),
}


@pytest.mark.parametrize("case", HOSTS)
def test_only_its_own_host_is_served(port, case):
    text, statuses = HOSTS[case]
    answer = send(port, text)
    assert answer.status in statuses
    assert b"evil" not in answer.raw


LINES = [
    (request("OPTIONS", "*"), {404, 405}),
    (request("OPTIONS", CART), {405}),
    (request("TRACE", CART, "X-Secret: mirrored"), {405}),
    (request("CONNECT", "evil.test:443"), {404, 405}),
    (request("FOO", CART), {405}),
    (request("get", CART), {400}),
    (request("A" * 4000, CART), {400, 405}),
    (request("GET", "//evil.test/"), {404}),
    (request("GET", "///evil.test/%2e%2e"), {404}),
    (request("GET", "/\\evil.test"), {404}),
    (request("GET", "/%5cevil.test"), {404}),
    (request("GET", "/%2e%2e/%2e%2e/etc/passwd"), {404}),
    (request("GET", "/static/%2e%2e/%2e%2e/setup.py"), {404}),
    (request("GET", "/static/..\\..\\setup.py"), {404}),
    (request("GET", "/static/app.css%00.png"), {400, 404}),
    (request("GET", "/static/"), {404}),
    (request("GET", "https://evil.test/nothing"), {404, 421}),
    (request("GET", "/%ff%fe"), {400}),
    (request("GET", "/" + "a" * 30_000), {400, 404, 414}),
    (request("GET", "/products?q=" + "a" * 30_000), {400, 414}),
    (request("GET", "/products?" + "&".join(f"a{n}=1" for n in range(2000))), {400}),
    (
        request("GET", CART, "Range: bytes=0-1,2-3", "If-Match: x", "If-Modified-Since: never"),
        {200, 302, 412},
    ),
    (request("GET", "/", "X-Header: a\0b"), {400}),
    (request("GET", "/", "X-Header: a\rX-Other: b"), {400}),
    (request("GET", "/", "Cookie : a=b"), {400}),
    (request("GET", "/", "Content-Type: text/html; charset=nope"), {200}),
    (
        request("GET", "/", "Accept: ;;,*/*;q=nope", "Accept-Language: \xff\xfe;q=9", "User-Agent: \xff"),
        {200},
    ),
    (request("GET", "/", "X-Header: " + "a" * 70_000), {431}),
    (request("GET", CART, "Cookie: " + "a=b; " * 20_000), {431}),
    (request("GET", CART, "Cookie: " + "a=b; " * 12_000), {302}),
    (request("GET", "/", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"), {200}),
]


@pytest.mark.parametrize(("text", "statuses"), LINES, ids=lambda value: str(value)[:40])
def test_odd_request_lines_and_headers_get_a_plain_answer(port, text, statuses):
    answer = send(port, text)
    assert answer.status in statuses
    assert b"Traceback" not in answer.raw
    assert b"mirrored" not in answer.raw
    location = answer.header("Location") or ""
    assert location.startswith("/login") or not location


BODIES = [
    (
        lines(
            "POST /login HTTP/1.1", "Host: store.test", "Content-Length: 4", "Content-Length: 5", body="abcde"
        ),
        {400},
    ),
    (request("POST", "/login", "Content-Length: -4", body="abcd"), {400}),
    (request("POST", "/login", "Content-Length: +4", body="abcd"), {400}),
    (request("POST", "/login", "Content-Length: 4, 4", body="abcd"), {400}),
    (request("POST", "/login", "Content-Length: 99999999999999999999999", body="a"), {413}),
    (request("POST", "/login", "Content-Length: 2097152", KIND, body="a"), {413}),
    (request("POST", "/login", "Transfer-Encoding: chunked", body="zz\r\n"), {400}),
    (request("POST", "/login", "Transfer-Encoding: xchunked", body="5\r\nhello\r\n0\r\n\r\n"), {400, 501}),
    (
        request("POST", "/login", "Transfer-Encoding: gzip, chunked", body="5\r\nhello\r\n0\r\n\r\n"),
        {400, 501},
    ),
    (
        request("POST", "/login", "Transfer-Encoding: chunked", KIND, body="200000\r\n" + "a" * 0x200000),
        {413},
    ),
    (request("POST", "/login"), {403}),
    (form("/login", "{}", kind="application/json"), {400, 403}),
    (form("/login", "a=b", kind=";;;;="), {400, 403}),
    (form("/login", "=&&=%&%zz=%u0041"), {400, 403}),
    (form("/login", "a=%c0%af"), {400}),
    (form("/login", "a=%ed%a0%80"), {400}),
    (form("/login", "a=\xff"), {400}),
    (form("/login", "csrf_token=" + "A." * 50_000), {400, 403}),
    (form("/login", "&".join(f"f{n}=1" for n in range(10_000))), {400}),
    (form("/login", "a=b", kind="multipart/form-data"), {400}),
    (form("/login", "a=b", kind="multipart/form-data; boundary=" + "a" * 300), {400}),
    (form("/login", "--x", kind="multipart/form-data; boundary=x"), {400, 403}),
    (
        form(
            "/login", "--x\r\n" + "A: b\r\n" * 3000 + "\r\nv\r\n--x--", kind="multipart/form-data; boundary=x"
        ),
        {400},
    ),
]


@pytest.mark.parametrize(("text", "statuses"), BODIES, ids=lambda value: str(value)[:40])
def test_odd_bodies_are_refused(port, idp, text, statuses):
    answer = send(port, text)
    assert answer.status in statuses
    assert answer.header("Location") is None
    assert idp.calls() == []


def test_a_body_is_never_taken_for_the_next_request(port, cookie, sql):
    """Smuggling: with both lengths given, or a chunked body that says less than it sends, no second request is seen."""
    inner = f"GET {CART} HTTP/1.1\r\nHost: store.test\r\n{cookie}\r\n\r\n"
    length = len(inner)
    before = sql("SELECT last_seen_at FROM sessions")
    for headers, body in (
        ([f"Content-Length: {length}", "Transfer-Encoding: chunked"], f"0\r\n\r\n{inner}"),
        (["Transfer-Encoding: chunked", "Content-Length: 5"], f"0\r\n\r\n{inner}"),
        (["Transfer-Encoding:\x0bchunked", f"Content-Length: {length}"], inner),
        (["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], f"0\r\n\r\n{inner}"),
        (["Transfer-Encoding : chunked", f"Content-Length: {length}"], inner),
    ):
        answer = send(port, request("POST", "/login", *headers, body=body))
        assert len(answer.statuses) == 1, headers
        assert answer.status in (400, 403, 501), headers
    assert sql("SELECT last_seen_at FROM sessions") == before


PARTS = [
    'Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=nope',
    'Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=hex',
    'Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=utf-16',
    'Content-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64',
    'Content-Disposition: form-data; name="a"; filename=""',
    "Content-Disposition: form-data; name*=utf-8''a%00",
    'Content-Disposition: form-data; name="a"\r\nContent-Length: -5',
    "Content-Disposition: form-data",
]
KINDS = [
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/x-www-form-urlencoded; charset=nope",
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.replace("\r\n", " ")[40:])
def test_a_part_in_another_encoding_is_a_client_error(port, part):
    text = form("/login", f"--x\r\n{part}\r\n\r\n!v\r\n--x--\r\n", kind="multipart/form-data; boundary=x")
    assert send(port, text).status in (400, 403)


@pytest.mark.parametrize("kind", KINDS)
def test_a_form_in_another_encoding_is_a_client_error(port, kind):
    assert send(port, form("/login", "a=b", kind=kind)).status in (400, 403)


def test_cookies_in_two_headers_count_as_none_or_as_one(port, cookie):
    """Never as the wrong half of either."""
    one, two = cookie.removeprefix("Cookie: ").split("; ")
    for headers in ((f"Cookie: {one}", f"Cookie: {two}"), (cookie, cookie), (cookie, f"Cookie: {one}")):
        assert send(port, request("GET", CART, *headers)).status in (200, 302)
    assert send(port, request("GET", CART, cookie, cookie)).status == 302
    assert send(port, request("GET", CART, cookie)).status == 200


def test_a_request_that_never_ends_takes_no_thread(port, cookie):
    """Three times as many half-sent requests as threads, and a page is still served."""
    with ExitStack() as stack:
        for _ in range(48):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
            connection.sendall(b"POST /login HTTP/1.1\r\nHost: store.test\r\nContent-Length: 100\r\n\r\na=")
        assert send(port, request("GET", CART, cookie)).status == 200
