"""The heart alone, over the real database and with an authority of the tests' own."""

from collections.abc import Callable, Iterator

import pytest
from hearts import SECRET, Heart, Provider
from sqlalchemy import Engine, text

from shopforum import db
from shopforum.sessions import Sessions, config
from shopforum.sessions.database import Database


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture(scope="session")
def _heart_engine(database_url: str) -> Iterator[Engine]:
    engine = db.create(database_url, 20)
    yield engine
    engine.dispose()


@pytest.fixture
def heart_of(clean: None, _heart_engine: Engine, provider: Provider) -> Callable[..., Heart]:
    """`heart_of(site, **settings)`: the heart of a site; several share the database and the provider."""
    database = Database(_heart_engine)
    # A test may have ended the connections that the pool keeps: one read finds out and replaces them all.
    database.one(text("SELECT 1"))

    def make(site: str = "store", **settings: str) -> Heart:
        parsed = config.parse(
            {"sessions.secret": SECRET, "sessions.sites": "store forums", **settings, "sessions.site": site}
        )
        return Heart(Sessions(database, parsed, provider), provider)

    return make


@pytest.fixture
def heart(heart_of: Callable[..., Heart]) -> Heart:
    return heart_of()
