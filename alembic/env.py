"""Runs the migrations: one run at a time, each migration in a transaction of its own, never waiting long for a lock.

The database is `-x url=...`, else what `shopforum.core.migrations` passes, else those that the ini file names, one after the other.
"""

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, event, text

from shopforum import configuration, schema
from shopforum.core.engine import create_unpooled_engine, driver_url
from shopforum.core.ini_files import section
from shopforum.core.settings import SettingsError

# Any number will do, as long as it stays: it stands for "a migration of shopforum is running".
_RUNNING = 7_305_441_236
# A migration that waits for a lock makes every later query on that table wait behind it: give up soon instead.
_LOCK_TIMEOUT = "4s"
_STATEMENT_TIMEOUT = "60s"


def database_urls() -> list[str]:
    """Return the addresses of the databases to migrate. Raises CommandError where the ini file and the environment name no database."""
    arguments = context.get_x_argument(as_dictionary=True)
    url = arguments.get("url") or context.config.attributes.get("url")
    if url:
        return [str(url)]
    try:
        return [*configuration.database_urls(section(str(context.config.config_file_name), "store")).values()]
    except SettingsError as error:
        raise CommandError(str(error)) from None


def online(url: str) -> None:
    """Migrate a database.

    Nothing is set or locked for a session, which a pooler would share with others: the transaction of a connection of its
    own holds the lock for as long as the run takes, and each migration's transaction has its time limits.
    """
    engine = create_unpooled_engine(url)
    event.listen(engine, "begin", _limit)
    with engine.connect() as lock, engine.connect() as connection:
        # Waiting for another run, and then for our own migrations, may take long.
        lock.execute(text("set local lock_timeout = 0; set local idle_in_transaction_session_timeout = 0"))
        lock.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _RUNNING})
        context.configure(
            connection=connection,
            target_metadata=schema.all_metadata(),
            transaction_per_migration=True,
            compare_server_default=True,
            on_version_apply=context.config.attributes.get("on_applied"),
        )
        with context.begin_transaction():
            context.run_migrations()


def _limit(connection: Connection) -> None:
    connection.exec_driver_sql(
        f"set local statement_timeout = '{_STATEMENT_TIMEOUT}'; set local lock_timeout = '{_LOCK_TIMEOUT}'"
    )


def offline() -> None:
    """Print the SQL instead, for `alembic upgrade head --sql`: the same for each database."""
    context.configure(
        url=driver_url(database_urls()[0]),
        target_metadata=schema.all_metadata(),
        literal_binds=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    offline()
else:
    for each in database_urls():
        online(each)
