"""The MetaData of the session core's tables, and the column that most of them have."""

from sqlalchemy import Column, MetaData, func

from ...core.tables import NAMING_CONVENTION, Instant

metadata = MetaData(naming_convention=NAMING_CONVENTION)


def created_at(comment: str | None = None) -> Column:  # type: ignore[type-arg]
    """Return a column `created_at` that the database's clock fills in."""
    return Column(
        "created_at", Instant, nullable=False, server_default=func.clock_timestamp(), comment=comment
    )
