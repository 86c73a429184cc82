"""The filters of the lists, read from the address: what is typed there is checked here, and nowhere else.

A filter is the query string, so a filtered list is a link. The names are those of the API (`user`, `site`, `state`,
`ip`, `device`, `flag`, `created_after`, `seen_before`).
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from webob.multidict import MultiDict
from wtforms import Form, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import Length, ValidationError

from ..sessions import addresses
from ..sessions.audit import clean
from ..sessions.tokens import as_uuid
from ..settings import SITES, TITLES
from . import words


def _printable(value: Any) -> Any:
    return clean(value, 1000) if isinstance(value, str) else value


class TextField(StringField):
    """Text of limited length, without control characters."""

    data: Any

    def __init__(self, label: str, limit: int = 254, **options: Any) -> None:
        length = Length(max=limit, message=f"{label}: at most {limit} characters.")
        super().__init__(label, [length], filters=[_printable], **options)

    def _value(self) -> str:
        return self.raw_data[0] if self.errors and self.raw_data else self.shown()

    def shown(self) -> str:
        """The value as it is typed."""
        return str(self.data or "")


def options_of(pairs: list[tuple[str, str]]) -> list[SelectChoice]:
    """Choices of a SelectField from pairs of value and label."""
    return [SelectChoice(value=value, label=label) for value, label in pairs]


class _Choice(SelectField):
    """A choice that may be left open. What is not on the list is refused by name."""

    def __init__(self, label: str, choices: list[tuple[str, str]], **options: Any) -> None:
        super().__init__(label, choices=options_of([("", "Any"), *choices]), default="", **options)

    def shown(self) -> str:
        """The value as it is sent."""
        return str(self.data)

    def pre_validate(self, form: Any) -> None:
        if self.data not in {choice.value for choice in self.choices}:
            raise ValidationError(f"{self.label.text}: choose one of the list.")


class IdField(TextField):
    """A UUID; `data` is one, or empty."""

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        """WTForms' own check, once the text has passed."""
        if self.data:
            self.data = as_uuid(self.data)
            if not self.data:
                raise ValidationError(f"{self.label.text}: this is not an id.")


class _Instant(TextField):
    """A date with or without a time, in UTC unless it says otherwise; `data` is a datetime, or empty."""

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(label, 40, render_kw={"type": "datetime-local"}, **options)

    def shown(self) -> str:
        if isinstance(self.data, datetime):
            return self.data.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S").removesuffix(":00")
        return super().shown()

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        if self.data:
            self.data = _instant(self.data, self.label.text)


class NetworkField(TextField):
    """An address or a CIDR block; `data` is a block in its short form, or empty."""

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        """WTForms' own check, once the text has passed."""
        if not self.data:
            return
        try:
            block = addresses.network(self.data)
        except ValueError:
            raise ValidationError(
                f"{self.label.text}: an address or a block such as 192.0.2.0/24, without a zone (%)."
            ) from None
        single = block.prefixlen == block.max_prefixlen
        self.data = str(block.network_address) if single else str(block)


class Filter(Form):
    """A GET form. `validate()` first; then every field's `data` is checked and typed, and empty where not given."""

    # The field that the tabs of a list set, if it has tabs.
    tabbed = ""

    @property
    def used(self) -> bool:
        """Whether anything but the tab is filtered by."""
        return any(field.data for field in self if field.name != self.tabbed)

    def query(self, **changes: str) -> str:
        """The query string of this filter with some fields changed; an empty value drops one."""
        return urlencode({name: value for name, value in (self._values() | changes).items() if value})

    def typed(self) -> str:
        """The same for people: `ip=203.0.113.0/24&site=store`."""
        return "&".join(f"{name}={value}" for name, value in self._values().items() if value)

    def _values(self) -> dict[str, str]:
        return {field.name: field.shown() for field in self}


_SITE_CHOICES = [(site, TITLES[site]) for site in SITES]


class SessionFilter(Filter):
    """Which sessions. `state` may be `flagged`, which is no state but a tab."""

    tabbed = "state"

    user = TextField("User", description="Name, e-mail or any id")
    site = _Choice("Site", _SITE_CHOICES)
    ip = NetworkField("Address", 64, description="Address or CIDR block")
    device = TextField("Device", 100, description="Such as Firefox Linux")
    flag = _Choice("Flag", [(kind, flag.label) for kind, flag in words.BADGES.items()])
    created_after = _Instant("Signed in after (UTC)")
    seen_before = _Instant("Last seen before (UTC)")
    state = _Choice("State", [(tab, tab.capitalize()) for tab in words.TABS])

    @property
    def user_id(self) -> UUID | None:
        """The user's id, where that was typed."""
        return as_uuid(self.user.data)


class AuditFilter(Filter):
    """Which rows of the trail."""

    event = _Choice(
        "Event",
        [
            *((name, label) for name, (label, _) in words.GROUPS.items()),
            *sorted(((name, word.label) for name, word in words.EVENTS.items()), key=lambda p: p[1]),
        ],
    )
    actor = TextField("Who", description="An e-mail, as in the row")
    user = IdField("User", 40, description="A user's id")
    session = IdField("Session", 40, description="A session's id")
    site = _Choice("Site", [*_SITE_CHOICES, ("all", "Several")])
    since = _Instant("From (UTC)")
    until = _Instant("To (UTC)")


def from_query(query: str) -> SessionFilter:
    """The session filter of a query string, as a form's hidden field carries it."""
    return SessionFilter(MultiDict(parse_qsl(query[:4000])))


def _instant(value: str, label: str) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise ValidationError(f"{label}: a date and time such as 2026-11-23T18:00.") from None
    # Far from both ends of what Python and PostgreSQL can count.
    if not 2000 <= at.year <= 2100:
        raise ValidationError(f"{label}: a year between 2000 and 2100.")
    return at if at.tzinfo else at.replace(tzinfo=UTC)
