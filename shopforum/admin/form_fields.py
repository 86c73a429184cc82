"""Form fields that are read like the fields of the filters."""

from collections.abc import Callable, Sequence
from typing import Any

from wtforms import StringField
from wtforms.fields import SelectChoice
from wtforms.validators import Length, ValidationError

from ..core.text import clean
from ..operations.filters import read_id, read_network


def options_of(pairs: Sequence[tuple[str, str]]) -> list[SelectChoice]:
    """Return the choices of a SelectField from pairs of value and label."""
    return [SelectChoice(value=value, label=label) for value, label in pairs]


def _printable(value: Any) -> Any:
    return clean(value, 1000) if isinstance(value, str) else value


class TextField(StringField):
    """Text of limited length, without control characters."""

    data: Any

    def __init__(self, label: str, limit: int = 254, **options: Any) -> None:
        length = Length(max=limit, message=f"{label}: at most {limit} characters.")
        super().__init__(label, [length], filters=[_printable], **options)

    def _value(self) -> str:
        return self.raw_data[0] if self.errors and self.raw_data else str(self.data or "")


class ReadField(TextField):
    """Text that a function of `operations.filters` turns into the value of `data`."""

    read: Callable[[str], Any]

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        """Read the text once WTForms' own validators have passed."""
        if self.data:
            try:
                self.data = type(self).read(self.data)
            except ValueError as error:
                raise ValidationError(f"{self.label.text}: {error}") from None


class IdField(ReadField):
    """A UUID; `data` is one, or empty."""

    read = staticmethod(read_id)


class NetworkField(ReadField):
    """An address or a CIDR block; `data` is a block in its short form, or empty."""

    read = staticmethod(read_network)
