"""The filters of the lists: plain values, read by one parser for the console, the API and the command line.

A filter is a frozen dataclass. Each field says how its text is read and written, and what people call it; the console's
form, the API's parameters and the command line's options are made from these fields (`Filter.criteria()`). A new filter
of sessions is one field of `SessionFilter` and one condition in `session_queries.CONDITIONS`.
`Filter.query()` is the filter as a query string, so a filtered list is a link.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from ..core import addresses
from ..core.ids import parse_uuid
from ..core.sites import SITES, TITLES
from ..core.text import clean
from ..sessions.vocabulary import State
from . import labels
from .event_groups import EVENT_GROUPS

# Characters of a query string that are read. The console's pages never make a longer one.
_LONGEST_QUERY = 4000

Choices = Sequence[tuple[str, str]]

FLAGGED = "flagged"
# Tabs of the list of sessions, in their order; the tab of all sessions has no name.
TABS = (State.ACTIVE, State.DORMANT, FLAGGED, State.REVOKED, State.EXPIRED)


@dataclass(frozen=True)
class Criterion:
    """The reader and the writer of one field of a filter.

    `read` turns cleaned text into the value and raises ValueError with a text for people; `write` turns the value back
    into text. `choices` are pairs of value and label where the text is one of a list. `kind` is the HTML input type.
    """

    label: str
    read: Callable[[str], Any]
    write: Callable[[Any], str] = str
    hint: str = ""
    choices: Choices = ()
    kind: str = "text"


class FilterError(ValueError):
    """Some fields cannot be read: `errors` maps the field's name to a sentence for people."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


@dataclass(frozen=True)
class Filter:
    """The base of all filters. A field that was not given is empty: `""` or None."""

    @classmethod
    @cache
    def criteria(cls) -> dict[str, Criterion]:
        """Return the fields by name, in their order."""
        return {one.name: one.metadata["criterion"] for one in fields(cls)}

    @classmethod
    def parse(cls, values: Mapping[str, str]) -> Self:
        """Read a filter from texts by field name. Other names are ignored; blank texts count as not given.

        Raises FilterError, which names every field that cannot be read.
        """
        found: dict[str, Any] = {}
        errors: dict[str, str] = {}
        for name, criterion in cls.criteria().items():
            text = clean(values.get(name, ""), 1000)
            if not text:
                continue
            try:
                found[name] = criterion.read(text)
            except ValueError as error:
                errors[name] = f"{criterion.label}: {error}"
        if errors:
            raise FilterError(errors)
        return cls(**found)

    @property
    def given(self) -> dict[str, Any]:
        """The values of the fields that were given."""
        return {name: value for name in self.criteria() if (value := getattr(self, name))}

    @property
    def used(self) -> bool:
        """Return whether the filter leaves anything out. The state does not count: it is the list's tab."""
        return any(name != "state" for name in self.given)

    def values(self) -> dict[str, str]:
        """Return every field as text, in one spelling; empty where not given."""
        given = self.given
        return {
            name: criterion.write(given[name]) if name in given else ""
            for name, criterion in self.criteria().items()
        }

    def query(self, **changes: str) -> str:
        """Return this filter as a query string with some fields changed. An empty value drops a field."""
        return urlencode({name: value for name, value in (self.values() | changes).items() if value})

    @property
    def text(self) -> str:
        """The filter for people and for the audit log: `ip=203.0.113.0/24&site=store`."""
        return "&".join(f"{name}={value}" for name, value in self.values().items() if value)

    def blank(self, given: Mapping[str, str]) -> list[str]:
        """Return the names of fields that were given blank, such as spaces.

        A blank field filters by nothing. A caller that acts on the filter has to refuse it: the act would reach everybody.
        """
        return [name for name in given if name not in self.given]


def _text(limit: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if len(text) > limit:
            raise ValueError(f"at most {limit} characters.")
        return text

    return read


def _one_of(choices: Choices) -> Callable[[str], str]:
    values = {value for value, _ in choices}

    def read(text: str) -> str:
        if text not in values:
            raise ValueError("choose one from the list.")
        return text

    return read


def read_network(text: str) -> str:
    """Read an address, or a CIDR block into its short form. Raises ValueError."""
    try:
        block = addresses.network(text)
    except ValueError:
        raise ValueError("an address or a block such as 192.0.2.0/24, without a zone (%).") from None
    return str(block.network_address if block.prefixlen == block.max_prefixlen else block)


def read_id(text: str) -> UUID:
    """Read an id. Raises ValueError."""
    found = parse_uuid(text)
    if found is None:
        raise ValueError("this is not an id.")
    return found


def read_instant(text: str) -> datetime:
    """Read an instant, in UTC unless the text names a zone. Raises ValueError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("a date and time such as 2026-11-23T18:00.") from None
    # Far from both ends of what Python and PostgreSQL can count.
    if not 2000 <= at.year <= 2100:
        raise ValueError("a year between 2000 and 2100.")
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _write_instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S").removesuffix(":00")


def _field(criterion: Criterion, default: Any = "") -> Any:
    return field(default=default, metadata={"criterion": criterion})


def _free_text(label: str, limit: int = 254, hint: str = "") -> Any:
    return _field(Criterion(label, _text(limit), hint=hint))


def _chosen(label: str, choices: Choices) -> Any:
    # Plain texts: members of an enum are named by their Python names in the help of the command line.
    plain = [(str(value), text) for value, text in choices]
    return _field(Criterion(label, _one_of(plain), choices=plain))


def _id(label: str, hint: str) -> Any:
    return _field(Criterion(label, read_id, hint=hint), None)


def _instant(label: str) -> Any:
    return _field(Criterion(label, read_instant, _write_instant, kind="datetime-local"), None)


_SITE_CHOICES = [(site, TITLES[site]) for site in SITES]


@dataclass(frozen=True)
class SessionFilter(Filter):
    """A filter of sessions. `state` is a tab of the list: one of the states, or `flagged`."""

    user: str = _free_text("User", hint="Name, e-mail address or any id")
    site: str = _chosen("Site", _SITE_CHOICES)
    ip: str = _field(Criterion("Address", read_network, hint="Address or CIDR block"))
    device: str = _free_text("Device", 100, hint="Such as Firefox Linux")
    flag: str = _chosen("Flag", [(kind, label.label) for kind, label in labels.FLAG_CHOICES.items()])
    binding: str = _chosen("Device key", [(name, label.label) for name, label in labels.BINDINGS.items()])
    created_after: datetime | None = _instant("Signed in after (UTC)")
    created_before: datetime | None = _instant("Signed in before (UTC)")
    seen_after: datetime | None = _instant("Last seen after (UTC)")
    seen_before: datetime | None = _instant("Last seen before (UTC)")
    state: str = _chosen("State", [(tab, tab.capitalize()) for tab in TABS])

    @property
    def user_id(self) -> UUID | None:
        """The user's id, where `user` is one."""
        return parse_uuid(self.user)


@dataclass(frozen=True)
class AuditFilter(Filter):
    """A filter of the audit log's rows. `note` is a part of the reason, such as a ticket; `user` the person that a row is about."""

    event: str = _chosen(
        "Event",
        [
            *((name, group.label) for name, group in EVENT_GROUPS.items()),
            *sorted(((name, label.label) for name, label in labels.EVENTS.items()), key=lambda pair: pair[1]),
        ],
    )
    user: str = _free_text("User", hint="Name, e-mail address or id")
    note: str = _free_text("Reason or ticket", 200, hint="A part of it, such as INC-4711")
    actor: str = _free_text("Who", hint="An e-mail address, or a part of it")
    ip: str = _field(Criterion("Address", read_network, hint="Address or CIDR block"))
    session: UUID | None = _id("Session", "A session's id")
    request: str = _free_text("Request", 200, hint="A request's id, as on an error page")
    site: str = _chosen("Site", [*_SITE_CHOICES, ("all", "Several")])
    since: datetime | None = _instant("From (UTC)")
    until: datetime | None = _instant("To (UTC)")


@dataclass(frozen=True)
class RevocationFilter(Filter):
    """A filter of revocations. `user` had a session among those that ended."""

    user: str = _free_text("User", hint="Name, e-mail address or id")
    note: str = _free_text("Note or ticket", 200, hint="A part of it, such as INC-4711")
    reason: str = _chosen("Reason", list(labels.END_REASONS.items()))
    actor: str = _free_text("By", hint="An e-mail address, or a part of it")
    since: datetime | None = _instant("From (UTC)")
    until: datetime | None = _instant("To (UTC)")


def parse_query(query: str) -> SessionFilter:
    """Read the session filter of a query string, as a form's hidden field carries it. Raises FilterError."""
    return SessionFilter.parse(dict(parse_qsl(query[:_LONGEST_QUERY])))
