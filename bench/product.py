"""The product as the benchmark measures it: a database of its own with sample data, a signed-in shopper, and the cart."""

import re
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import jwt
import psycopg2
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

from .fill import fill

CART = "/shopping-cart"
HOST = "store.localhost:6543"


@dataclass(frozen=True)
class Product:
    """A database, the settings of the store on it, and the cookies of a signed-in shopper, of whom one session is bound."""

    server: postgres.Server
    postmaster: int
    url: str
    settings: dict[str, str]
    user_id: UUID
    user_name: str
    cookie: str
    bound_cookie: str

    @classmethod
    def start(cls, stack: ExitStack, folder: Path, sessions: int) -> Self:
        """Start a database with sample data and so many sessions of others, and sign in."""
        server = stack.enter_context(postgres.running(folder, options={"max_connections": "400"}))
        url = server.create("bench")
        migrations.upgrade(url)
        ini = instance.write_ini(folder, 6543, 9011, url)
        settings = instance.base_settings(ini)
        idp = stack.enter_context(serve_in_thread(folder / "idp.sqlite", settings["idp.api_key"]))
        # Before the others: the sample is made known to the identity provider, session by session.
        sample.seed(ini, folder / "idp.sqlite")
        fill(url, sessions)
        _fill_cart(url)
        settings |= {"idp.url": idp.url, "shopforum.site": "store", "log.format": "json"}
        settings = {key: value for key, value in settings.items() if key != "use"}
        postmaster = int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
        app = shopforum.main({}, **settings)
        with _Running(app) as port:
            jar, _ = _log_in(port)
            bound = _bind(app, *_log_in(port))
        # No page asks about the login of the other session.
        app.services.db.all(text("UPDATE sessions SET new_sign_in = NULL"))
        [user] = app.services.db.all(
            text(
                "SELECT user_id, user_name FROM sessions WHERE bound_at IS NOT NULL AND user_email = :email ORDER BY created_at DESC LIMIT 1"
            ),
            email=sample.LOGINS[0].email,
        )
        app.services.db.engine.dispose()
        return cls(
            server,
            postmaster,
            url,
            settings,
            user["user_id"],
            user["user_name"],
            _header(jar),
            _header(bound),
        )

    def seen(self) -> tuple[str, list[Any], list[Any], bytes]:
        """Return what the floor repeats: the database's address, the PREPARE statements and the page's statements with their
        values, and the page.
        """
        app = shopforum.main({}, **self.settings)
        statements: list[tuple[str, Any]] = []
        event.listen(
            app.services.db.engine,
            "before_cursor_execute",
            lambda _connection, _cursor, statement, values, *_: statements.append((statement, values)),
        )
        with _Running(app) as port:
            found = requests.get(
                f"http://127.0.0.1:{port}{CART}",
                headers={"Host": HOST, "Cookie": self.cookie, "Accept-Encoding": "identity"},
                timeout=10,
            )
        app.services.db.engine.dispose()
        found.raise_for_status()
        prepared = [one for one in statements if one[0].startswith("PREPARE ")]
        return self.url, prepared, [one for one in statements if one not in prepared], found.content


def _fill_cart(url: str) -> None:
    """Put two pieces of each of five products into the shopper's cart, and nothing else."""
    with psycopg2.connect(url) as connection, connection.cursor() as run:
        run.execute(
            "UPDATE products SET stock = 20, withdrawn = false; DELETE FROM cart_lines; DELETE FROM carts WHERE closed_at IS NULL"
        )
        run.execute(
            """WITH c AS (INSERT INTO carts (user_id) SELECT user_id FROM (
              SELECT user_id FROM sessions WHERE user_email = %s LIMIT 1) s RETURNING id)
            INSERT INTO cart_lines (cart_id, product_id, quantity, price_minor)
            SELECT c.id, p.id, 2, p.price_minor FROM c, (SELECT id, price_minor FROM products ORDER BY id LIMIT 5) p""",
            (sample.LOGINS[0].email,),
        )
    connection.close()


class _Running:
    """A WSGI app on a free port of this machine, for the length of a block."""

    def __init__(self, app: Any) -> None:
        self._server = create_server(app, host="127.0.0.1", port=0, threads=2)

    def __enter__(self) -> int:
        threading.Thread(target=self._server.run, daemon=True).start()
        return int(self._server.effective_port)

    def __exit__(self, *_: object) -> None:
        self._server.close()


def _log_in(port: int) -> tuple[dict[str, str], str]:
    """Sign the sample's shopper in over HTTP. Return the cookies, and the challenge that offers to bind the session."""
    login, url = sample.LOGINS[0], f"http://127.0.0.1:{port}/login"
    page = requests.get(url, headers={"Host": HOST}, timeout=10)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    answer = requests.post(
        url,
        data={"csrf_token": token and token[1], "email": login.email, "password": login.password, "next": ""},
        headers={"Host": HOST, "Cookie": _header(page.cookies.get_dict())},
        allow_redirects=False,
        timeout=10,
    )
    if answer.status_code != 302:
        raise ValueError(f"the login is refused: {answer.status_code}")
    names = (cookies.SESSION, cookies.REFRESH)
    challenge = answer.headers["Secure-Session-Registration"].split('challenge="', 1)[1].split('"', 1)[0]
    return {cookie.name: cookie.value or "" for cookie in answer.cookies if cookie.name in names}, challenge


def _bind(app: Any, given: dict[str, str], challenge: str) -> dict[str, str]:
    """Bind a session to a key, as a browser does; return its cookies."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    proof = jwt.encode({"jti": challenge}, key, "ES256", {"typ": "dbsc+jwt", "jwk": public})
    pair = Pair(given[cookies.SESSION], given[cookies.REFRESH])
    bound = app.services.sessions.bind(pair, proof, app.services.site.url, Client())
    return given | {cookies.BOUND: bound.cookie}


def _header(given: dict[str, str]) -> str:
    """Return the Cookie header."""
    return "; ".join(f"{name}={value}" for name, value in given.items())
