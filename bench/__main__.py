"""`make bench`: what a signed-in cart page costs, beside the floor, in one run.

Starts an own database, identity provider and store, all in this process but for PostgreSQL, and asks for the cart
over real HTTP from several connections. The floor is a bare WSGI function on the same server that runs the page's
two statements and returns the same bytes. Figures of different machines, or of different runs, do not compare:
the ratios do. The last line is the page of a session that is bound to a device, beside that of one that is not.

    python -m bench [--seconds 5] [--connections 8] [--sessions 10000]
"""

import argparse
import http.client
import logging
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from sqlalchemy import event, text
from waitress.server import create_server

import shopforum
from shopforum.core import migrations
from shopforum.dev import instance, postgres, sample
from shopforum.dev.idp.server import serve_in_thread
from shopforum.sessions import Client, cookies
from shopforum.sessions.model import Pair

CART = "/shopping-cart"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--sessions", type=int, default=10_000, help="rows beside the one that is used")
    options = parser.parse_args()
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shopforum-bench-")))
        server = stack.enter_context(postgres.running(folder))
        app = prepare(stack, folder, server.create("bench"), options.sessions)
        cookie = header(log_in(app)[0])
        statements, page = look_at_page(app, cookie)
        print(
            f"the cart page: {sum(not sql.startswith('PREPARE ') for sql, _ in statements)} statements, {len(page):,} bytes, {options.sessions:,} other sessions"
        )
        floor = bare(app, statements, page)
        # Taken in turns, so that whatever else the machine does falls on both.
        rounds = [
            (
                measure(app, cookie, options.seconds / 2, options.connections),
                measure(floor, cookie, options.seconds / 2, options.connections),
            )
            for _ in range(2)
        ]
        ours, least = (sum(column) / len(rounds) for column in zip(*rounds, strict=True))
        print(f"cart page: {ours:,.0f} requests a second; bare WSGI with the same statements: {least:,.0f}")
        print(f"ratio: {ours / least:.2f}")
        jars = [header(log_in(app)[0]), header(bind(app, *log_in(app)))]
        # The page of the session that was there before the other asks whose the new one is.
        app.services.db.all(text("UPDATE sessions SET new_sign_in = NULL"))
        unbound, bound = in_turns(app, jars, options.seconds)
        print(
            f"one page at a time: {unbound:.2f} ms; of a bound session: {bound:.2f} ms ({bound / unbound - 1:+.1%})"
        )


def prepare(stack: ExitStack, folder: Path, database: str, sessions: int) -> object:
    """Return the store, with sample data and so many sessions of others."""
    migrations.upgrade(database)
    ini = instance.write_ini(folder, 6543, 9011, database)
    settings = instance.base_settings(ini)
    idp = stack.enter_context(serve_in_thread(folder / "idp.sqlite", settings["idp.api_key"]))
    sample.seed(ini, folder / "idp.sqlite")
    settings |= {"idp.url": idp.url, "shopforum.site": "store", "database.url": database}
    app = shopforum.main({}, **{key: value for key, value in settings.items() if key != "use"})
    stack.callback(app.services.db.engine.dispose)
    if sessions:
        app.services.db.all(text(OTHER_SESSIONS), n=sessions)
        with app.services.db.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("VACUUM ANALYZE sessions, session_credentials"))
    return app


OTHER_SESSIONS = """
WITH more AS (
  INSERT INTO sessions (site, user_id, user_name, roles, refresh_token_id, authenticated_at, absolute_end,
    idle_end, last_seen_at)
  SELECT 'store', gen_random_uuid(), 'x', '{shopper}', gen_random_uuid(), now(), now() + interval '30 days',
    now() + interval '30 minutes', now() FROM generate_series(1, :n) RETURNING id
)
INSERT INTO session_credentials (session_hash, session_id, number, parent, refresh_hash, why)
SELECT sha256(id::text::bytea), id, 1, 0, sha256(('r' || id)::bytea), 'login' FROM more"""


def log_in(app: object) -> tuple[dict[str, str], str]:
    """Sign the sample's shopper in over HTTP. Return the cookies, and the challenge that offers to bind the session."""
    login = sample.LOGINS[0]
    with running(app) as (host, port), requests.Session() as client:
        client.headers["Host"] = app.services.site.host
        url = f"http://{host}:{port}/login"
        page = client.get(url, timeout=10)
        token = page.text.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
        answer = requests.post(
            url,
            data={"csrf_token": token, "email": login.email, "password": login.password, "next": ""},
            headers={"Host": app.services.site.host, "Cookie": header(client.cookies)},
            allow_redirects=False,
            timeout=10,
        )
        assert answer.status_code == 302, answer.status_code
        names = (cookies.SESSION, cookies.REFRESH)
        challenge = answer.headers["Secure-Session-Registration"].split('challenge="', 1)[1].split('"', 1)[0]
        return {cookie.name: cookie.value for cookie in answer.cookies if cookie.name in names}, challenge


def bind(app: object, given: dict[str, str], challenge: str) -> dict[str, str]:
    """Bind a session to a key, as a browser does; return its cookies."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    proof = jwt.encode({"jti": challenge}, key, "ES256", {"typ": "dbsc+jwt", "jwk": public})
    pair = Pair(given[cookies.SESSION], given[cookies.REFRESH])
    bound = app.services.sessions.bind(pair, proof, app.services.site.url, Client())
    return given | {cookies.BOUND: bound.cookie}


def header(given: dict[str, str]) -> str:
    """Return the Cookie header."""
    return "; ".join(f"{name}={value}" for name, value in given.items())


class running:  # noqa: N801 - reads as a verb
    """A WSGI app on a free port of this machine, for the length of a block."""

    def __init__(self, app: object) -> None:
        self.server = create_server(app, host="127.0.0.1", port=0, threads=8)

    def __enter__(self) -> tuple[str, int]:
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        return "127.0.0.1", self.server.effective_port

    def __exit__(self, *_: object) -> None:
        self.server.close()


def look_at_page(app: object, cookie: str) -> tuple[list[tuple[str, object]], bytes]:
    """The statements that the page runs, with their values, and its body."""
    statements: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, values: object, *_: object) -> None:
        statements.append((statement, values))

    # On a connection of its own, so that what it prepares is seen.
    app.services.db.engine.dispose()
    event.listen(app.services.db.engine, "before_cursor_execute", note)
    with running(app) as address:
        status, body = get(address, app.services.site.host, cookie)
    event.remove(app.services.db.engine, "before_cursor_execute", note)
    assert status == 200, status
    return statements, body


def bare(app: object, statements: list[tuple[str, object]], page: bytes) -> Callable[..., list[bytes]]:
    """The floor: the same statements through psycopg2 alone, the same bytes, and nothing else."""
    url = app.services.db.engine.url.render_as_string(hide_password=False).replace("+psycopg2", "")
    local = threading.local()
    prepared = [(sql, values) for sql, values in statements if sql.startswith("PREPARE ")]
    asked = [(sql, values) for sql, values in statements if not sql.startswith("PREPARE ")]

    def wsgi(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
        import psycopg2

        if not hasattr(local, "connection"):
            local.connection = psycopg2.connect(url)
            local.connection.autocommit = True
            with local.connection.cursor() as cursor:
                for statement, values in prepared:
                    cursor.execute(statement, values)
        with local.connection.cursor() as cursor:
            for statement, values in asked:
                cursor.execute(statement, values)
                cursor.fetchall()
        start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(page)))])
        return [page]

    wsgi.services = app.services
    return wsgi


def get(address: tuple[str, int], host: str, cookie: str) -> tuple[int, bytes]:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(*address, timeout=10)
    connection.request("GET", CART, headers={"Host": host, "Cookie": cookie})
    answer = connection.getresponse()
    return answer.status, answer.read()


def measure(app: object, cookie: str, seconds: float, connections: int) -> float:
    """Requests a second over kept connections."""
    host, done = app.services.site.host, []
    with running(app) as address:
        end = time.monotonic() + seconds

        def ask() -> None:
            connection, count = http.client.HTTPConnection(*address, timeout=10), 0
            while time.monotonic() < end:
                connection.request("GET", CART, headers={"Host": host, "Cookie": cookie})
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200, answer.status
                count += 1
            done.append(count)

        threads = [threading.Thread(target=ask) for _ in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return sum(done) / seconds


def in_turns(app: object, kinds: Sequence[str], seconds: float) -> list[float]:
    """Return a page's milliseconds for each of some Cookie headers: of ten pages the fastest, asked for in turns, so that whatever
    else the machine does falls on all, and on the fastest least.
    """
    host, took = app.services.site.host, [[] for _ in kinds]
    with running(app) as address:
        connection, end = http.client.HTTPConnection(*address, timeout=10), time.monotonic() + seconds
        while time.monotonic() < end:
            for cookie, times in zip(kinds, took, strict=True):
                began = time.perf_counter()
                connection.request("GET", CART, headers={"Host": host, "Cookie": cookie})
                answer = connection.getresponse()
                answer.read()
                times.append(1000 * (time.perf_counter() - began))
                assert answer.status == 200, answer.status
    return [statistics.quantiles(times, n=10)[0] for times in took]


if __name__ == "__main__":
    main()
