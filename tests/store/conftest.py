"""A small catalogue, and the store's database without the site around it."""

import secrets
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from product_fixtures import Catalogue
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
def catalogue(database: Database) -> Catalogue:
    """Six products: see `product_fixtures.Catalogue`."""
    catalogue = Catalogue(database)
    catalogue.fill()
    return catalogue


@pytest.fixture
def ann() -> Owner:
    return Owner(user_id=uuid.uuid4())


@pytest.fixture
def guest() -> Any:
    """A guest: the owner, whose one hash is what a new cart is kept under."""
    return Owner(guest_hashes=(secrets.token_bytes(32),))


@pytest.fixture
def stocked(apps: dict[str, Any], _engine: Engine) -> Catalogue:
    """The small catalogue beneath the running sites."""
    catalogue = Catalogue(Database(_engine))
    catalogue.fill()
    return catalogue
