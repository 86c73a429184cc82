from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webob.multidict import MultiDict

from shopforum.admin.filter_forms import AuditFilterForm, SessionFilterForm
from shopforum.operations.filters import AuditFilter, FilterError, SessionFilter, parse_query


def test_nothing_given_filters_nothing():
    found = SessionFilter.parse({})
    assert not found.used
    assert found.query() == ""


def test_every_field_is_read_and_goes_back_into_the_address():
    typed = {
        "user": "ada@mail.example",
        "site": "store",
        "ip": "198.51.100.7/24",
        "device": "firefox linux",
        "flag": "session_use_after_expire",
        "binding": "offered",
        "created_after": "2026-11-01T10:00",
        "created_before": "2026-11-02",
        "seen_after": "2026-11-01",
        "seen_before": "2026-11-20",
        "state": "dormant",
    }
    found = SessionFilter.parse(typed)
    assert found.ip == "198.51.100.0/24"
    assert found.created_after == datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert parse_query(found.query()) == found


def test_a_tab_keeps_the_filter_and_drops_the_cursor():
    found = SessionFilter.parse({"user": "ada", "state": "active", "cursor": "whatever"})
    assert found.query(state="revoked") == "user=ada&state=revoked"
    assert found.query(state="") == "user=ada"


def test_blank_is_told_from_absent():
    assert SessionFilter.parse({"user": " \t", "site": "store"}).blank({"user": " \t", "site": "store"}) == [
        "user"
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ip", "300.1.2.3"),
        ("ip", "192.0.2.1/33"),
        ("ip", "fe80::1%eth0/zz"),
        ("site", "shop"),
        ("state", "sleeping"),
        ("flag", "x" * 400),
        ("created_after", "yesterday"),
        ("created_after", "0001-01-01"),
        ("seen_before", "9999-12-31T23:59"),
        ("user", "u" * 255),
        ("device", "d" * 101),
    ],
)
def test_invalid_filters_are_named_and_shown_again(field: str, value: str):
    with pytest.raises(FilterError) as refused:
        SessionFilter.parse({field: value})
    assert list(refused.value.errors) == [field]
    form = SessionFilterForm(MultiDict({field: value}))
    assert not form.validate()
    assert {name: list(errors) for name, errors in form.errors.items()} == {
        field: [refused.value.errors[field]]
    }
    assert form.filter == SessionFilter()
    assert field in ("site", "state", "flag") or form[field]._value() == value


@pytest.mark.parametrize("form", [SessionFilterForm, AuditFilterForm])
@given(
    typed=st.dictionaries(
        st.sampled_from([*SessionFilter.criteria(), *AuditFilter.criteria()]),
        st.text(max_size=60),
        max_size=4,
    )
)
def test_no_text_breaks_a_filter(form: Any, typed: dict[str, str]):
    read_form = form(MultiDict(typed))
    if read_form.validate():
        found = read_form.filter
        assert type(found).parse(dict(parse_qsl(found.query()))) == found
        assert {name: value or "" for name, value in read_form.data.items()} == found.values()
