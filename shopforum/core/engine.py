"""SQLAlchemy engines on PostgreSQL, with the timeouts of all statements."""

from sqlalchemy import URL, Engine, NullPool, make_url
from sqlalchemy import create_engine as _create


def create_engine(url: str, pool_size: int) -> Engine:
    """Make an engine with a connection pool. A request waits at most 5 seconds for a connection; a statement runs at most 10."""
    return _create(
        driver_url(url),
        # The values of a failed statement may be personal data, which does not belong in a log.
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        connect_args={
            "connect_timeout": 3,
            "application_name": "shopforum",
            "options": "-c statement_timeout=10000 -c lock_timeout=5000 -c timezone=UTC"
            # Without it, a process that is frozen within a revocation would block all other revocations.
            " -c idle_in_transaction_session_timeout=10000",
        },
    )


def create_unpooled_engine(url: str) -> Engine:
    """Make an engine that keeps no connections, for a few statements."""
    return _create(driver_url(url), poolclass=NullPool)


def driver_url(url: str) -> URL:
    """Return a plain postgresql:// URL with the driver psycopg2."""
    return make_url(url).set(drivername="postgresql+psycopg2")
