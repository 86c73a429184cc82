"""Personal data: the rows that a site keeps about a user, as JSON, for the file that the user may have (GDPR, article 15 and 20).

A file is written while it is read, some rows at a time and by key: it needs neither much memory nor a connection for long.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from sqlalchemy import TextClause, text

from .database import Database

_STEP = 100


@dataclass(frozen=True)
class PersonalRows:
    """The rows of one kind. `name` is their name in the file, `label` the words for them on the page.

    `select` is SQL that returns an `id`, 0 or more and unique, and the `data` as JSON. It has the parameter `:user_id`, and ends in a
    condition. `key` is SQL for the id.
    """

    name: str
    label: str
    select: str
    key: str

    @cached_property
    def _page(self) -> TextClause:
        # As text: the driver would parse the JSON, and lose the precision of its numbers.
        return text(
            f"SELECT id, CAST(data AS text) AS json FROM ({self.select} AND {self.key} > :after"
            f" ORDER BY id LIMIT {_STEP}) r ORDER BY id"
        )

    def read(self, db: Database, user_id: UUID) -> Iterator[str]:
        """Return each row as JSON. A row that is added while the file is written may be missing."""
        after = -1
        while rows := db.all(self._page, user_id=user_id, after=after):
            yield from (row["json"] for row in rows)
            after = rows[-1]["id"]


def document(parts: Iterable[tuple[str, Iterable[str]]]) -> Iterator[bytes]:
    """Write a JSON object that has, under each name, the list of these rows. Each row is JSON already."""
    before = "{"
    for name, rows in parts:
        yield f'{before}\n"{name}": ['.encode()
        separator = "\n  "
        for row in rows:
            yield f"{separator}{row}".encode()
            separator = ",\n  "
        yield b"]"
        before = ","
    yield b"\n}\n"
