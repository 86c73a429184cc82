"""The database's schema: where it stands, where it should stand, and how to bring it there.

The migrations are in the checkout's alembic/, which is data of this package: the link `deployment/alembic`, a real
folder in a wheel. `alembic -c production.ini upgrade head` runs the same ones.
"""

from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Engine, NullPool, create_engine, make_url

FOLDER = Path(str(files("shopforum") / "deployment" / "alembic"))


def upgrade(url: str, revision: str = "head") -> None:
    """Bring a database to a revision. Raises sqlalchemy.exc.DBAPIError, with nothing of the failed step left."""
    command.upgrade(_config(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Take a database back to a revision, `base` for an empty one. Data goes with the tables."""
    command.downgrade(_config(url), revision)


def check(url: str) -> None:
    """Raise alembic.util.CommandError where the tables in the code are not those that the migrations make."""
    command.check(_config(url))


def head() -> str | None:
    """The newest revision there is."""
    return ScriptDirectory(str(FOLDER)).get_current_head()


def current(url: str) -> str | None:
    """The revision that a database is at; None where no migration ever ran."""
    with engine(url).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def engine(url: str) -> Engine:
    """An engine that keeps no connections, for a few statements."""
    return create_engine(driver_url(url), poolclass=NullPool)


def driver_url(url: str) -> URL:
    """A plain postgresql:// URL, as people write it, with the driver that we install."""
    return make_url(url).set(drivername="postgresql+psycopg2")


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["url"] = url
    return config
