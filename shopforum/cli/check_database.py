"""The database checks of `shopforum check`."""

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shopforum.core import migrations
from shopforum.core.engine import create_engine, unsuitable_session
from shopforum.core.sites import SiteSettings

from .checks import Check, clock

_OLDEST = 15


def checks(ini: str, settings: SiteSettings) -> Iterator[Check]:
    """Check that the database is reachable as the sites reach it, new enough and migrated, and that its clock is right."""
    engine = create_engine(settings.database_url, 1, pooler=settings.pooler)
    try:
        with engine.connect() as connection:
            before = datetime.now(UTC)
            now, version = connection.execute(
                text("select clock_timestamp(), current_setting('server_version_num')::int / 10000")
            ).one()
            after = datetime.now(UTC)
        current = migrations.current(settings.database_url)
    except SQLAlchemyError as error:
        unsuitable = unsuitable_session(error)
        if unsuitable:
            yield Check("database", problem=unsuitable.problem, fix=unsuitable.fix)
            return
        # The driver's first line names host and port, never the password.
        reason = str(getattr(error, "orig", None) or type(error).__name__).strip().splitlines()[0]
        yield Check("database", problem=reason, fix="start PostgreSQL and set SHOPFORUM_DATABASE_URL")
        return
    finally:
        engine.dispose()
    if version < _OLDEST:
        yield Check("database", problem=f"PostgreSQL {version} is too old", fix=f"use {_OLDEST} or newer")
    else:
        yield Check("database", fine=f"PostgreSQL {version} answers")
    head = migrations.head()
    if current == head:
        yield Check("migrations", fine=f"at the newest, {head}")
    else:
        at = current or "none"
        yield Check("migrations", problem=f"at {at}, not at {head}", fix=f"alembic -c {ini} upgrade head")
    yield clock("database clock", now - (before + (after - before) / 2))
