"""The controls of the filters' forms, written directly: a list's page has ten of them, some with a hundred options.

They write what WTForms' own widgets write for the same fields, byte for byte. WTForms escapes and joins each attribute of
each option anew, which took longer than all rows of the list.
"""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape
from wtforms import Field


def text_input(field: Field, **attributes: Any) -> Markup:
    """Return the input of a text. `attributes` are those of the tag, `type` among them if it is not `text`."""
    found = {"type": "text", **attributes, "name": field.name, "value": field._value()}  # noqa: SLF001 - a widget's way
    return Markup(f"<input {_written(found)}>")  # noqa: S704 - escaped


class Select:
    """The select of one of some options, pairs of value and label, which are written once."""

    def __init__(self, options: Sequence[tuple[str, str]]) -> None:
        self._options = [
            (value, f'value="{escape(value)}">{escape(label)}</option>') for value, label in options
        ]

    def __call__(self, field: Field, **attributes: Any) -> Markup:
        """Return the select, with the value of the field chosen."""
        options = "".join(
            f"<option {'selected ' if value == field.data else ''}{rest}" for value, rest in self._options
        )
        return Markup(f"<select {_written({**attributes, 'name': field.name})}>{options}</select>")  # noqa: S704 - escaped


def _written(attributes: dict[str, Any]) -> str:
    return " ".join(f'{name}="{escape(value)}"' for name, value in sorted(attributes.items()))
