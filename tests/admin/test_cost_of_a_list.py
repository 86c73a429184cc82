"""The work of a list's page: what it may cost for each row and each field, counted and not timed."""

from collections.abc import Callable
from typing import Any

import jinja2.runtime
import pytest
from webob.multidict import MultiDict
from wtforms import Form, SelectField, StringField

from shopforum.admin.filter_widgets import Select, text_input
from shopforum.admin.form_fields import options_of

OPTIONS = [("", "Any"), ("a&b", 'Salt & "pepper"'), ("'c'", "<b>Bold</b>"), ("ü", "Über")]
ATTRIBUTES = {"placeholder": "Name, e-mail & id", "data-key": '"k"'}


class Written(Form):
    text = StringField("Text", render_kw=ATTRIBUTES, widget=text_input)
    at = StringField("At", render_kw={"type": "datetime-local"}, widget=text_input)
    one = SelectField(
        "One", choices=options_of(OPTIONS), default="", validate_choice=False, widget=Select(OPTIONS)
    )


class ByWTForms(Form):
    text = StringField("Text", render_kw=ATTRIBUTES)
    at = StringField("At", render_kw={"type": "datetime-local"})
    one = SelectField("One", choices=options_of(OPTIONS), default="", validate_choice=False)


@pytest.mark.parametrize("typed", ["", "a&b", "'c'", "ü", '"><script>', "unknown"])
def test_the_controls_of_a_filter_are_those_of_wtforms(typed: str):
    given = MultiDict({"text": typed, "at": typed, "one": typed})
    ours, theirs = Written(given), ByWTForms(given)
    for name in ("text", "at", "one"):
        more = {"id": f"in-{name}", "aria-describedby": f"in-{name}-hint"}
        assert ours[name](**more) == theirs[name](**more)


def test_a_row_of_the_sessions_calls_no_macro(
    console: Any, sql: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    """A macro takes several times as long as a function: with some in each row, they took longer than all else on the page."""
    client, calls = console("responder"), []
    invoke = jinja2.runtime.Macro._invoke

    def count(self: Any, *args: Any) -> Any:
        calls.append(self.name)
        return invoke(self, *args)

    monkeypatch.setattr(jinja2.runtime.Macro, "_invoke", count)

    def called() -> list[str]:
        calls.clear()
        client.get("/sessions")
        return list(calls)

    few = called()
    assert "session_rows" in few
    sql(
        """INSERT INTO sessions (site, user_id, user_name, user_email, roles, created_at, authenticated_at, absolute_end, idle_end,
          last_seen_at, address, agent, last_address, last_agent, refresh_count)
        SELECT 'store', gen_random_uuid(), 'Ann', 'ann@mail.example', '{}', now(), now(), now() + interval '1 day',
          now() + interval '1 hour', now(), '192.0.2.1', 'curl/8', '192.0.2.2', 'Wget/1', 2 FROM generate_series(1, 20)"""
    )
    assert called() == few
