"""The bare floor: a function that runs the product's two statements through psycopg2 and returns the product's bytes."""

import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extras import register_uuid


def app(url: str) -> Callable[..., list[bytes]]:
    """Return the application. `url` is the path of a file with the database's address, the statements and the page."""
    database, prepared, asked, page = pickle.loads(Path(url).read_bytes())
    register_uuid()
    local = threading.local()

    def wsgi(_environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        if not hasattr(local, "connection"):
            local.connection = psycopg2.connect(database)
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

    return wsgi
