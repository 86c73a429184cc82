"""A column of the audit log is written, sealed, exported and published by being in the table."""

from dataclasses import fields

from shopforum.core.rows import columns
from shopforum.operations import audit_queries, event_feed, json_documents
from shopforum.operations.rows import AuditRow
from shopforum.sessions import audit, audit_chain
from shopforum.sessions.audit import Client, Event
from shopforum.sessions.tables import audit_log
from shopforum.webhooks import outbound

TOLD = {column.name for column in audit_log.c} - {"seq", "mac"}


def test_an_event_has_every_column_that_the_database_does_not_give():
    assert set(Event("e", "store", Client()).values()) == TOLD - {"id", "at"}
    assert {field.name for field in fields(Event)} - {"client"} <= TOLD


def test_every_column_is_sealed():
    for statement in (audit_chain._UNSEALED, audit_chain._READ):
        assert _selected(statement) - {"seq", "mac"} == TOLD


def test_a_column_that_is_added_may_be_empty_in_the_rows_before_it():
    """Or the seals of all of them would be bad."""
    later = TOLD - audit_chain._FIRST_VERSION
    assert [name for name in later if not audit_log.c[name].nullable] == []


def test_every_column_is_exported():
    """The console's export and the command line's write the fields of `AuditRow`."""
    assert set(columns(AuditRow)) == TOLD | {"seq"}
    assert {column.name for column in audit_queries.AUDIT.statement.selected_columns} == TOLD | {"seq"}


def test_every_column_is_in_the_feed():
    assert _selected(event_feed._READ) >= TOLD
    assert _selected(outbound._DUE) >= TOLD
    assert set(json_documents._EVENT) - {"event_timestamp"} == TOLD - {"event"} | {"type"}


def _selected(statement):
    """The names between the last SELECT and its FROM."""
    names = str(statement).rpartition("SELECT ")[2].partition(" FROM ")[0].replace("host(address) AS ", "")
    return {name.strip() for name in names.split(",")}


def test_the_list_is_the_table_s():
    assert set(audit.COLUMNS) == TOLD
