"""Personal data: the tables with data about users, the file that a user may have of it, and its end with the account.

Each package lists its tables (`UserTable`) in its `personal.py`, and a test compares the lists with the schema. The same
list gives users their data as JSON (GDPR, article 15 and 20) and erases it (article 17).

A file is written while it is read, some rows at a time and by key: it needs neither much memory nor a connection for long.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from uuid import UUID

from sqlalchemy import TextClause, text

from .database import Database

_STEP = 100
# Rows that one statement anonymises at most.
_ERASED_AT_ONCE = 500

# The name of a user whose account was deleted, wherever a row with a name stays.
DELETED_NAME = "Deleted member"


class Fate(StrEnum):
    """The fate of a user's rows in a table when the account is deleted."""

    DELETED = "deleted"
    ANONYMISED = "anonymised"
    KEPT = "kept"


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


@dataclass(frozen=True)
class UserTable:
    """A table with data about users, and the fate of a user's rows when the account is deleted.

    `why`: the reason for rows that stay. `label`: the words for the rows on the pages; "" for rows that mean nothing to
    their user. `rows`: the part of the user's file that comes from this table, at the site `site`; "" for every site.

    `erase`: statements with `:user_id`, `:accounts` (the digests that stand for the e-mail address), `:name`
    (DELETED_NAME) and `:step`, the most rows to change at once. Each returns a row for each row that it changes, and is
    repeated until none is left.
    """

    name: str
    fate: Fate
    why: str = ""
    label: str = ""
    erase: tuple[str, ...] = ()
    rows: PersonalRows | None = None
    site: str = ""

    @property
    def shown_as(self) -> str:
        """The words for the rows on the pages."""
        return self.rows.label if self.rows else self.label


@dataclass(frozen=True)
class UserData:
    """All tables with data about users, of all packages."""

    tables: tuple[UserTable, ...]

    def rows(self, site: str) -> list[PersonalRows]:
        """Return the parts of a user's file at a site."""
        return [*self.shared_rows(), *self.own_rows(site)]

    def shared_rows(self) -> list[PersonalRows]:
        """Return the parts of a user's file that every site has, from the database of the sessions."""
        return [table.rows for table in self.tables if table.rows and not table.site]

    def own_rows(self, site: str) -> list[PersonalRows]:
        """Return the parts of a user's file from a site's own tables."""
        return [table.rows for table in self.tables if table.rows and table.site == site]

    def shown(self, *fates: Fate) -> list[UserTable]:
        """Return the tables of these fates that mean something to their user."""
        return [table for table in self.tables if table.fate in fates and table.shown_as]


def erase(db: Database, data: UserData, user_id: UUID, accounts: Sequence[bytes]) -> None:
    """Delete or anonymise a user's rows, in short transactions. It may be repeated: what is done is not done again.

    `accounts`: the digests that stand for the user's e-mail address (`Keyring.account_digests`).
    """
    values = {"user_id": user_id, "accounts": list(accounts), "name": DELETED_NAME, "step": _ERASED_AT_ONCE}
    for table in data.tables:
        for statement in table.erase:
            while db.all(text(f"{statement} RETURNING 1"), **values):
                pass


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
