"""Every state, flag, event, reason and entity has a label, and every row names what its table holds."""

import pytest

from shopforum.core.rows import columns
from shopforum.operations import labels
from shopforum.operations.filters import AuditFilter
from shopforum.operations.json_documents import SCHEMAS
from shopforum.operations.rows import AuditRow, Revocation, SessionRow
from shopforum.sessions import tables
from shopforum.sessions.vocabulary import (
    BindingState,
    EndReason,
    EventName,
    FlagKind,
    InitiatingEntity,
    SkipReason,
    State,
)

SEVERITIES = {"neutral", "info", "success", "warning", "danger"}

FLAGS = {*FlagKind}


@pytest.mark.parametrize(
    ("table", "members"),
    [
        (labels.STATES, {*State}),
        (labels.FLAGS, FLAGS),
        (labels.EVENTS, {*EventName, *FLAGS}),
        (labels.ENTITIES, {*InitiatingEntity}),
        (labels.BINDINGS, {*BindingState}),
        (labels.SKIPPED, {*SkipReason}),
    ],
)
def test_every_member_has_a_label_and_no_label_is_left_over(table, members):
    assert set(table) == members


def test_every_reason_has_a_label():
    assert set(labels.END_REASONS) == {*labels.REASONS, *EndReason, *FLAGS}


def test_labels_have_a_known_severity():
    for table in (labels.STATES, labels.BINDINGS, labels.FLAG_CHOICES, labels.EVENTS, labels.TIMELINE):
        assert {label.severity for label in table.values()} <= SEVERITIES


def test_every_event_can_be_filtered():
    chosen = {value for value, _ in AuditFilter.criteria()["event"].choices}
    assert chosen >= {*EventName, *FlagKind}


def test_rows_have_all_columns_that_their_tables_show():
    assert set(columns(AuditRow)) == set(tables.audit_log.c.keys()) - {"mac"}
    assert set(columns(Revocation)) == set(tables.revocations.c.keys()) - {
        "epoch",
        "authenticated_until",
        "swept_at",
    }
    computed = {"state", "flags", "places", "binding"}
    assert set(columns(SessionRow)) - computed <= set(tables.sessions.c.keys())


def test_the_documents_have_all_fields_of_the_rows():
    assert set(SCHEMAS["Session"]["properties"]) == {*columns(SessionRow), "device"}
    event = {*columns(AuditRow)} - {"seq", "event"} | {"type", "event_timestamp"}
    assert set(SCHEMAS["Event"]["properties"]) == event
