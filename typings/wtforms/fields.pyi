from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from wtforms.form import BaseForm

class Label:
    text: str

class SelectChoice:
    def __init__(self, value: str | None = ..., label: str | None = ..., *, selected: bool = ...) -> None: ...

_Choices: TypeAlias = Sequence[SelectChoice] | Sequence[tuple[str, str]] | Mapping[str, str] | None

class Field:
    name: str
    short_name: str
    label: Label
    description: str
    errors: Sequence[str]
    process_errors: list[str]
    raw_data: list[str] | None
    object_data: Any
    data: Any
    render_kw: dict[str, Any]
    def __init__(
        self,
        label: str | None = ...,
        validators: Sequence[Callable[[Any, Any], None]] | None = ...,
        filters: Sequence[Callable[[Any], Any]] = ...,
        description: str = ...,
        id: str | None = ...,
        default: object = ...,
        widget: object = ...,
        render_kw: Mapping[str, Any] | None = ...,
        name: str | None = ...,
    ) -> None: ...
    def validate(
        self, form: BaseForm, extra_validators: Iterable[Callable[[Any, Any], None]] = ...
    ) -> bool: ...
    def pre_validate(self, form: BaseForm) -> None: ...
    def post_validate(self, form: BaseForm, validation_stopped: bool) -> None: ...
    def process_formdata(self, valuelist: list[str]) -> None: ...
    def _value(self) -> str: ...

class StringField(Field):
    # A form is read after it has been validated; before, the text may be None.
    data: str

class TextAreaField(StringField): ...
class PasswordField(StringField): ...
class HiddenField(StringField): ...

class BooleanField(Field):
    data: bool

class IntegerField(Field):
    data: int | None

class SelectField(Field):
    data: str
    choices: Sequence[SelectChoice] | Mapping[str, str]
    def __init__(
        self,
        label: str | None = ...,
        validators: Sequence[Callable[[Any, Any], None]] | None = ...,
        coerce: Callable[[Any], Any] = ...,
        choices: _Choices = ...,
        validate_choice: bool = ...,
        *,
        filters: Sequence[Callable[[Any], Any]] = ...,
        description: str = ...,
        default: object = ...,
        widget: object = ...,
        render_kw: Mapping[str, Any] | None = ...,
    ) -> None: ...

class RadioField(SelectField): ...

class SelectMultipleField(SelectField):
    data: list[str]  # type: ignore[assignment]
    def __init__(
        self,
        label: str | None = ...,
        validators: Sequence[Callable[[Any, Any], None]] | None = ...,
        coerce: Callable[[Any], Any] = ...,
        choices: _Choices = ...,
        validate_choice: bool = ...,
        *,
        option_widget: object = ...,
        widget: object = ...,
        filters: Sequence[Callable[[Any], Any]] = ...,
        description: str = ...,
        default: object = ...,
        render_kw: Mapping[str, Any] | None = ...,
    ) -> None: ...
