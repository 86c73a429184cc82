"""The heart alone, over the real database and with an authority of the tests' own."""

from collections.abc import Callable, Iterator

import pytest
from hearts import SECRET, Heart, Provider

from shopforum.core.database import Database
from shopforum.core.engine import create_engine
from shopforum.sessions import Sessions, config


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def heart_of(clean: None, database_url: str, provider: Provider) -> Iterator[Callable[..., Heart]]:
    """`heart_of(site, **settings)`: the heart of a site; several share the database and the provider."""
    engine = create_engine(database_url, 20)

    def make(site: str = "store", **settings: str) -> Heart:
        parsed = config.parse(
            {"sessions.secret": SECRET, "sessions.sites": "store forums", **settings, "sessions.site": site}
        )
        return Heart(Sessions(Database(engine), parsed, provider), provider)

    yield make
    engine.dispose()


@pytest.fixture
def heart(heart_of: Callable[..., Heart]) -> Heart:
    return heart_of()
