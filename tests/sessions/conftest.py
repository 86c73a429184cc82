"""The session core alone, over the real database and with a test authority."""

from collections.abc import Callable, Iterator

import pytest
from clocks import SimulatedClock
from device_client import Bound
from session_fixtures import SECRET, Provider, SessionCore
from sqlalchemy import Engine, text

from shopforum.core.database import Database
from shopforum.core.engine import create_engine
from shopforum.sessions import Sessions, config


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture(scope="session")
def _core_engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url, 20)
    yield engine
    engine.dispose()


@pytest.fixture
def core_of(clean: None, _core_engine: Engine, provider: Provider) -> Callable[..., SessionCore]:
    """`core_of(site, **settings)`: the session core of a site; several share the database and the provider."""
    database = Database(_core_engine)
    # A test may have ended the connections that the pool keeps: one read finds out and replaces them all.
    database.one(text("SELECT 1"))

    def make(site: str = "store", **settings: str) -> SessionCore:
        parsed = config.parse(
            {"sessions.secret": SECRET, "sessions.sites": "store forums", **settings, "sessions.site": site}
        )
        return SessionCore(Sessions(database, parsed, provider), provider)

    return make


@pytest.fixture
def clock(clean: None, _core_engine: Engine, database_url: str) -> Iterator[SimulatedClock]:
    """The database's clock for the session cores of a test."""
    with SimulatedClock(database_url, _core_engine) as clock:
        yield clock


@pytest.fixture
def core(core_of: Callable[..., SessionCore]) -> SessionCore:
    return core_of()


@pytest.fixture
def bound(core: SessionCore) -> Bound:
    """A browser with a bound session of the core."""
    return Bound(core)
