"""Honey tokens as operators see them: where they are planted, and from where they were presented."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, func, select

from ..core.database import ResultRow
from ..core.keyed import Keyed
from ..core.listing import Listing
from ..core.rows import columns
from ..sessions import tables

# Characters of the name of a place.
LONGEST = 200

KEYED = (
    # They have no end of their own: plant others when their key goes.
    Keyed(
        "honey tokens",
        "honey_tokens WHERE retired_at IS NULL",
        "key_id",
        "now() + interval '1 year'",
        "are not noticed any more",
    ),
)

_h = tables.honey_tokens
HONEY_ID: Column[Any] = _h.c.id


@dataclass(frozen=True)
class HoneyRow:
    """A honey token: its `place`, who planted it, how often it was presented, and from where the last time."""

    id: UUID
    created_at: datetime
    place: str
    actor: str
    hits: int
    first_hit_at: datetime | None
    last_hit_at: datetime | None
    last_address: str | None
    last_agent: str
    retired_at: datetime | None
    retired_by: str | None

    @property
    def state(self) -> str:
        """Return `retired`, `presented` or `planted`."""
        return "retired" if self.retired_at else "presented" if self.hits else "planted"


def _row(row: ResultRow) -> HoneyRow:
    return HoneyRow(**row)


HONEY = Listing(
    select(
        *(
            func.host(_h.c.last_address).label(name) if name == "last_address" else _h.c[name]
            for name in columns(HoneyRow)
        )
    ),
    (_h.c.created_at, HONEY_ID),
    _row,
)
