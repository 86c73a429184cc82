"""Migrations of the database: the current revision, the newest revision, and the steps between them.

The migrations are in alembic/ of the checkout, which is data of this package: `deployment/alembic` is a link to it, and a
real folder in a wheel. `alembic -c production.ini upgrade head` runs the same migrations.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import StringIO
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from .engine import create_unpooled_engine

FOLDER = Path(str(files("shopforum") / "deployment" / "alembic"))

# Statements of a migration that take a lock, and what the sites cannot do while it is held (PostgreSQL's lock modes).
_LOCKS = (
    (r"(?:ALTER TABLE|DROP TABLE)\s+(?:ONLY\s+)?(?:IF EXISTS\s+)?(\w+)", "nobody reads or writes {}"),
    (r"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)\S+ ON (\w+)", "nobody writes {}"),
    (r"CREATE TRIGGER [^;]*? ON (\w+)", "nobody writes {}"),
    (r"DROP INDEX\s+(\w+)", "nobody reads or writes the table of {}"),
    (r"(?:UPDATE|DELETE FROM)\s+(\w+)", "rows of {} that it changes are not changed by others"),
)


@dataclass(frozen=True)
class Step:
    """A migration to run. `made` are the tables that it creates, `locks` describes what others wait for while it runs."""

    revision: str
    title: str
    made: tuple[str, ...]
    locks: tuple[str, ...]


def upgrade(url: str, revision: str = "head", on_applied: Callable[[str], None] | None = None) -> None:
    """Upgrade a database to a revision. Raises sqlalchemy.exc.DBAPIError; the failed step is rolled back.

    `on_applied` is called with the name of each migration that has been run.
    """
    config = _config(url)
    if on_applied:
        config.attributes["on_applied"] = lambda *, step, **_: on_applied(step.up_revision_id)
    command.upgrade(config, revision)


def steps(url: str, current: str | None) -> list[Step]:
    """Return the migrations from `current` to the newest revision, in order. Changes nothing.

    Raises alembic.script.revision.RevisionError for an unknown revision.
    """
    found, made = [], {"alembic_version"}
    scripts = ScriptDirectory(str(FOLDER))
    for script in reversed(list(scripts.iterate_revisions("head", current or "base"))):
        sql = _sql(url, f"{script.down_revision or 'base'}:{script.revision}")
        locks = locked(sql, made)
        fresh = _made(sql)
        made |= {*fresh}
        found.append(Step(script.revision, script.doc.splitlines()[0], fresh, locks))
    return found


def locked(sql: str, unused: set[str]) -> tuple[str, ...]:
    """Describe what others wait for while these statements run. `unused` are tables that nobody uses yet."""
    unused = unused | {*_made(sql)}
    return tuple(
        dict.fromkeys(
            words.format(name)
            for pattern, words in _LOCKS
            for name in re.findall(pattern, sql)
            if name not in unused
        )
    )


def _made(sql: str) -> tuple[str, ...]:
    return tuple(re.findall(r"CREATE TABLE\s+(?:IF NOT EXISTS\s+)?(\w+)", sql))


def _sql(url: str, revisions: str) -> str:
    """Return the SQL of migrations, without a database."""
    config = _config(url)
    config.output_buffer = StringIO()
    command.upgrade(config, revisions, sql=True)
    return config.output_buffer.getvalue()


def downgrade(url: str, revision: str) -> None:
    """Downgrade a database to a revision, `base` for an empty one. Data is deleted with its tables."""
    command.downgrade(_config(url), revision)


def check(url: str) -> None:
    """Raise alembic.util.CommandError if the tables in the code differ from those that the migrations create."""
    command.check(_config(url))


def head() -> str:
    """Return the newest revision."""
    return known()[-1]


@cache
def known() -> tuple[str, ...]:
    """Return all revisions that this version knows, the oldest first."""
    revisions = ScriptDirectory(str(FOLDER)).walk_revisions()
    return tuple(reversed([script.revision for script in revisions]))


def current(url: str) -> str | None:
    """Return the revision of a database; None if no migration has ever run."""
    with create_unpooled_engine(url).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["url"] = url
    return config
