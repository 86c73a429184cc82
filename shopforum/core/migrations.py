"""The database's schema: where it stands, where it should stand, and how to bring it there.

The migrations are in the checkout's alembic/, which is data of this package: the link `deployment/alembic`, a real
folder in a wheel. `alembic -c production.ini upgrade head` runs the same ones.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from io import StringIO
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from .engine import create_unpooled_engine

FOLDER = Path(str(files("shopforum") / "deployment" / "alembic"))


# What the statements of a migration lock, and what that means for the sites meanwhile (PostgreSQL's table of locks).
_LOCKS = (
    (r"(?:ALTER TABLE|DROP TABLE)\s+(?:ONLY\s+)?(?:IF EXISTS\s+)?(\w+)", "nobody reads or writes {}"),
    (r"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)\S+ ON (\w+)", "nobody writes {}"),
    (r"CREATE TRIGGER [^;]*? ON (\w+)", "nobody writes {}"),
    (r"DROP INDEX\s+(\w+)", "nobody reads or writes the table of {}"),
    (r"(?:UPDATE|DELETE FROM)\s+(\w+)", "rows of {} that it changes are not changed by others"),
)


@dataclass(frozen=True)
class Step:
    """A migration that is to be run: `made` are tables that it makes, `locks` says what others wait for meanwhile."""

    revision: str
    title: str
    made: tuple[str, ...]
    locks: tuple[str, ...]


def upgrade(url: str, revision: str = "head", on_applied: Callable[[str], None] | None = None) -> None:
    """Bring a database to a revision. Raises sqlalchemy.exc.DBAPIError, with nothing of the failed step left.

    `on_applied` is called with the name of each migration that has been run.
    """
    config = _config(url)
    if on_applied:
        config.attributes["on_applied"] = lambda *, step, **_: on_applied(step.up_revision_id)
    command.upgrade(config, revision)


def steps(url: str, current: str | None) -> list[Step]:
    """The migrations that bring a database from `current` to the newest, in order. Changes nothing.

    Raises alembic.script.revision.RevisionError where `current` is none of ours.
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
    """What others wait for while these statements run. `unused` are tables that nobody uses yet."""
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
    """What a migration would send, without a database."""
    config = _config(url)
    config.output_buffer = StringIO()
    command.upgrade(config, revisions, sql=True)
    return config.output_buffer.getvalue()


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
    with create_unpooled_engine(url).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["url"] = url
    return config
