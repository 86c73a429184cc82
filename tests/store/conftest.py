"""A small catalogue, and the store's database without the site around it."""

import secrets
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from shelf import Shelf
from sqlalchemy import Engine

from shopforum.core.database import Database
from shopforum.core.engine import create_engine
from shopforum.store.cart import Owner


@pytest.fixture(scope="session")
def _engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url, 20)
    yield engine
    engine.dispose()


@pytest.fixture
def database(_engine: Engine, clean: None) -> Database:
    """The empty database."""
    return Database(_engine)


@pytest.fixture
def shelf(database: Database) -> Shelf:
    """Six products: see `shelf.Shelf`."""
    shelf = Shelf(database)
    shelf.fill()
    return shelf


@pytest.fixture
def ann() -> Owner:
    return Owner(user_id=uuid.uuid4())


@pytest.fixture
def guest() -> Any:
    """A guest: the owner, whose one hash is what a new cart is kept under."""
    return Owner(guest_hashes=(secrets.token_bytes(32),))


@pytest.fixture
def stocked(apps: dict[str, Any], _engine: Engine) -> Shelf:
    """The small catalogue beneath the running sites."""
    shelf = Shelf(Database(_engine))
    shelf.fill()
    return shelf
