"""The filters of the lists as forms. `operations.filters` alone says what a field means."""

from typing import Any

from wtforms import Form, SelectField, StringField

from ..operations.filters import AuditFilter, Criterion, Filter, FilterError, RevocationFilter, SessionFilter
from .filter_widgets import Select, text_input
from .form_fields import options_of


class FilterForm(Form):
    """A GET form made from a filter's fields. After `validate()`, `filter` is the filter; empty where a field is wrong."""

    filter: Filter

    def __init_subclass__(cls) -> None:
        """Give the form a field for each field of the filter."""
        for name, criterion in cls.filter.criteria().items():
            setattr(cls, name, _field(criterion))

    def validate(self, extra_validators: Any = None) -> bool:
        """Read the filter. The fields then show its one spelling, or the input with its errors."""
        try:
            self.filter = self.filter.parse({name: value or "" for name, value in self.data.items()})
        except FilterError as error:
            for name, why in error.errors.items():
                self[name].errors = [why]
            return False
        for name, value in self.filter.values().items():
            self[name].data = value
        return True


def _field(criterion: Criterion) -> StringField | SelectField:
    if criterion.choices:
        options = [("", "Any"), *criterion.choices]
        return SelectField(
            criterion.label,
            choices=options_of(options),
            default="",
            validate_choice=False,
            widget=Select(options),
        )
    # The list has one line for its filter: there the hint stands in the empty field.
    attributes = {"placeholder": criterion.hint} if criterion.kind == "text" else {"type": criterion.kind}
    return StringField(criterion.label, description=criterion.hint, render_kw=attributes, widget=text_input)


class SessionFilterForm(FilterForm):
    """The form of the sessions' filter (`SessionFilter`)."""

    filter = SessionFilter()


class AuditFilterForm(FilterForm):
    """The form of the audit log's filter (`AuditFilter`)."""

    filter = AuditFilter()


class RevocationFilterForm(FilterForm):
    """The form of the revocations' filter (`RevocationFilter`)."""

    filter = RevocationFilter()
