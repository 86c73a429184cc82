"""The session core alone, over the real database and with an authority of the tests' own."""

from collections.abc import Callable, Iterator

import pytest
from session_fixtures import SECRET, Provider, SessionCore

from shopforum.core.database import Database
from shopforum.core.engine import create_engine
from shopforum.sessions import Sessions, config


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def core_of(clean: None, database_url: str, provider: Provider) -> Iterator[Callable[..., SessionCore]]:
    """`core_of(site, **settings)`: the session core of a site; several share the database and the provider."""
    engine = create_engine(database_url, 20)

    def make(site: str = "store", **settings: str) -> SessionCore:
        parsed = config.parse(
            {"sessions.secret": SECRET, "sessions.sites": "store forums", **settings, "sessions.site": site}
        )
        return SessionCore(Sessions(Database(engine), parsed, provider), provider)

    yield make
    engine.dispose()


@pytest.fixture
def core(core_of: Callable[..., SessionCore]) -> SessionCore:
    return core_of()
