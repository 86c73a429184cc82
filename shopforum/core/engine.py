"""SQLAlchemy engines on PostgreSQL, with the time limits that every statement of the application has."""

from sqlalchemy import URL, Engine, NullPool, make_url
from sqlalchemy import create_engine as _create


def create_engine(url: str, pool_size: int) -> Engine:
    """An engine with a pool of its own. A page waits at most 5 seconds for a connection, a statement at most 10."""
    return _create(
        driver_url(url),
        # A failed statement's values may be personal; they have no place in a log.
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        connect_args={
            "connect_timeout": 3,
            "application_name": "shopforum",
            "options": "-c statement_timeout=10000 -c lock_timeout=5000 -c timezone=UTC"
            # A process that was frozen within a revocation would otherwise keep every other from revoking.
            " -c idle_in_transaction_session_timeout=10000",
        },
    )


def create_unpooled_engine(url: str) -> Engine:
    """An engine that keeps no connections, for a few statements."""
    return _create(driver_url(url), poolclass=NullPool)


def driver_url(url: str) -> URL:
    """A plain postgresql:// URL, as people write it, with the driver psycopg2."""
    return make_url(url).set(drivername="postgresql+psycopg2")
