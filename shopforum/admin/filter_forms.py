"""The filters of the lists as forms of the console. What a field means is said in `operations.filters` alone."""

from typing import Any

from wtforms import Form, SelectField, StringField

from ..operations.filters import AuditFilter, Criterion, Filter, FilterError, SessionFilter
from .form_fields import options_of


class FilterForm(Form):
    """A GET form over a filter. After `validate()`, `filter` is what was asked for: an empty one where it makes no sense."""

    filter: Filter

    def __init_subclass__(cls) -> None:
        """Give the form a field for each of the filter's."""
        for name, criterion in cls.filter.criteria().items():
            setattr(cls, name, _field(criterion))

    def validate(self, extra_validators: Any = None) -> bool:
        """Read the filter; the fields then show it in its one spelling, or what was typed beside what is wrong with it."""
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
        options = options_of([("", "Any"), *criterion.choices])
        return SelectField(criterion.label, choices=options, default="", validate_choice=False)
    attributes = None if criterion.kind == "text" else {"type": criterion.kind}
    return StringField(criterion.label, description=criterion.hint, render_kw=attributes)


class SessionFilterForm(FilterForm):
    """Which sessions."""

    filter = SessionFilter()


class AuditFilterForm(FilterForm):
    """Which rows of the audit log."""

    filter = AuditFilter()
