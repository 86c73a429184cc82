"""The stored rows that a key of `shopforum.secret` has made, and that are found with that key alone.

A package declares its own in its `jobs.py`, beside its purges. Each row names its key (`Keyring.ids`), so that
`shopforum keys` can say what a key still holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from .database import Database


@dataclass(frozen=True)
class Keyed:
    """Rows that were made with a key.

    `rows` is the SQL behind FROM that selects them, `key` the column with the key's id, `until` the instant at which a row is of
    no use any more. `loss` says what happens to the rows without their key; `needed` is False where nobody is refused or
    loses anything then.
    """

    name: str
    rows: str
    key: str
    until: str
    loss: str
    needed: bool = True


@dataclass(frozen=True)
class Held:
    """The rows of one kind under one key: how many, and when the last is of no use any more. `key_id` is None for rows from
    before keys had ids.
    """

    kind: Keyed
    key_id: str | None
    rows: int
    until: datetime


def read(db: Database, kinds: Sequence[Keyed]) -> list[Held]:
    """Count the rows under each key, in one statement for each kind. Raises sqlalchemy.exc.DBAPIError."""
    return [
        Held(kind, row["key_id"], row["n"], row["until"])
        for kind in kinds
        for row in db.all(
            text(
                f"SELECT {kind.key} AS key_id, count(*) AS n, max({kind.until}) AS until FROM {kind.rows} GROUP BY 1 ORDER BY 1"
            )
        )
    ]
