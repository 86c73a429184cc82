"""Read the parts of a FusionAuth answer: a field of the right type, an id, an instant, the errors of an `Errors` body."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from ..core.text import clean
from ..sessions import AuthorityUnavailable

# The codes by which FusionAuth names what this application has sent wrongly. A customer's lambda has codes of its own.
FAULTS = re.compile(
    r"\[(blank|couldNotConvert|missing|invalid|TenantIdRequired|invalidJSON|invalidContentType)\]"
)


@dataclass(frozen=True)
class Error:
    """One error of an `Errors` body. `field` is the field of the request that it is about, or empty."""

    field: str
    code: str
    message: str


def errors(body: Any) -> list[Error]:
    """Return the errors of an `Errors` body, general errors first."""
    if not isinstance(body, dict):
        return []
    fields = body.get("fieldErrors")
    groups = [("", body.get("generalErrors")), *(fields.items() if isinstance(fields, dict) else ())]
    return [
        Error(str(name), clean(str(one.get("code") or ""), 100), clean(str(one.get("message") or ""), 300))
        for name, found in groups
        if isinstance(found, list)
        for one in found
        if isinstance(one, dict)
    ]


def error_codes(body: Any) -> str:
    """Return the codes of an `Errors` body for the log, 200 characters at most. Messages may hold what a person has typed."""
    return ", ".join(error.code for error in errors(body))[:200]


def wrong_field(body: Any, name: str) -> bool:
    """Return whether a 400 names this field of the request."""
    fields = body.get("fieldErrors") if isinstance(body, dict) else None
    return isinstance(fields, dict) and name in fields


def unknown(status: int, body: Any) -> bool:
    """Return whether FusionAuth says that the token or the user does not exist.

    Its 404 has no body. A 404 with a body comes from a gateway and says nothing about tokens and users.
    """
    return status == 404 and not body


_REQUIRED: Any = object()


def read_field(body: Any, name: str, kind: type, default: Any = _REQUIRED) -> Any:
    """Return a member of an answer. Raises AuthorityUnavailable where it is missing or has another type."""
    value = body.get(name) if isinstance(body, dict) else None
    if value is None and default is not _REQUIRED:
        return default
    if not isinstance(value, kind):
        raise AuthorityUnavailable(f"the answer has no proper {name}")
    return value


def read_uuid(value: Any) -> UUID:
    """Read an id. Raises AuthorityUnavailable."""
    try:
        return UUID(str(value))
    except ValueError:
        raise AuthorityUnavailable("the answer has no proper id") from None


def read_instant(value: Any) -> datetime:
    """Read an instant, milliseconds since 1970. Raises AuthorityUnavailable."""
    try:
        return datetime.fromtimestamp(float(value) / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise AuthorityUnavailable("the answer has no proper instant") from None
