"""Every table with data about users says what becomes of it when the account is deleted, and the statements that do it work."""

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import UUID

from shopforum import schema
from shopforum.core import personal
from shopforum.core.personal import Fate

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "accounts.md"
# Columns of type uuid that name a user, and those that name something else.
USERS = {"user_id", "author_id", "actor_id", "maker_id", "after_user"}
OTHERS = {
    "id",
    "incident_id",
    "lease",
    "made_id",
    "new_sign_in",
    "refresh_token_id",
    "revocation_id",
    "session_id",
    "token_id",
}
# Other columns by which a person is known: an address, a digest of it, or a name.
TOLD = {"account", "author_name", "email", "recipient", "user_email", "user_name"}


def columns() -> list[Any]:
    return [column for each in schema.all_metadata() for table in each.sorted_tables for column in table.c]


def test_every_column_with_an_id_is_known_to_name_a_user_or_not() -> None:
    ids = {column.name for column in columns() if isinstance(column.type, UUID)}
    assert ids - USERS - OTHERS == set()


def test_every_table_with_data_about_users_has_a_fate_and_no_other_has() -> None:
    with_users = {column.table.name for column in columns() if column.name in USERS | TOLD}
    # Counters of failed logins are kept under digests of addresses, in a column of digests of many things.
    with_users |= {"login_failures"}
    # A user's cookies and places go with the session, an order's lines with the order.
    listed = [table.name for table in schema.user_data().tables]
    assert sorted(listed) == sorted(with_users)


def test_kept_tables_have_a_reason_and_the_others_a_statement() -> None:
    for table in schema.user_data().tables:
        assert bool(table.why) == (table.fate is not Fate.DELETED), table.name
        if table.fate is Fate.DELETED:
            assert any(f"DELETE FROM {table.name} " in statement for statement in table.erase), table.name
        for statement in table.erase:
            assert f" {table.name} " in f"{statement} ", table.name


def test_erasing_somebody_who_left_nothing_changes_nothing(apps: Any, count_sql: Any, store: Any) -> None:
    data = schema.user_data()
    with count_sql(store) as statements:
        personal.erase(apps["store"].services.db, data, uuid4(), [b"nobody"])
    assert len(statements) == sum(len(table.erase) for table in data.tables)


def test_the_document_says_of_each_table_what_becomes_of_it() -> None:
    written = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", DOCUMENT.read_text(), re.MULTILINE)
    tables = schema.user_data().tables
    assert written == [(table.name, table.fate, table.why or "nobody needs it") for table in tables]
