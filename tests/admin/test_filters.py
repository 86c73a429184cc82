from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webob.multidict import MultiDict

from shopforum.admin.filters import AuditFilter, SessionFilter, from_query


def read(**fields: str) -> SessionFilter:
    return SessionFilter(MultiDict(fields))


def test_nothing_given_filters_nothing():
    form = read()
    assert form.validate()
    assert not form.used
    assert form.query() == ""


def test_every_field_is_read_and_goes_back_into_the_address():
    typed = {
        "user": "ada@mail.example",
        "site": "store",
        "ip": "198.51.100.7/24",
        "device": "firefox linux",
        "flag": "session_use_after_expire",
        "created_after": "2026-11-01T10:00",
        "seen_before": "2026-11-20",
        "state": "dormant",
    }
    form = read(**typed)
    assert form.validate(), form.errors
    assert form.ip.data == "198.51.100.0/24"
    assert form.created_after.data == datetime(2026, 11, 1, 10, tzinfo=UTC)
    again = from_query(form.query())
    assert again.validate()
    assert again.data == form.data


def test_a_tab_keeps_the_filter_and_drops_the_cursor():
    form = read(user="ada", state="active", cursor="whatever")
    assert form.validate()
    assert form.query(state="revoked") == "user=ada&state=revoked"
    assert form.query(state="") == "user=ada"


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
def test_what_makes_no_sense_is_named_and_shown_again(field: str, value: str):
    form = read(**{field: value})
    assert not form.validate()
    assert list(form.errors) == [field]
    assert field in ("site", "state", "flag") or form[field]._value() == value


@pytest.mark.parametrize("form", [SessionFilter, AuditFilter])
@given(
    typed=st.dictionaries(
        st.sampled_from([*SessionFilter().data, *AuditFilter().data]), st.text(max_size=60), max_size=4
    )
)
def test_no_text_breaks_a_filter(form: type, typed: dict[str, str]):
    read_form = form(MultiDict(typed))
    if read_form.validate():
        again = form(MultiDict(parse_qsl(read_form.query())))
        assert again.validate()
        assert {n: v for n, v in again.data.items() if v} == {n: v for n, v in read_form.data.items() if v}
