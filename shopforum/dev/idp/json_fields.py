"""Reading requests: JSON bodies, forms, parameters and their types, each with a clear 400."""

import hmac
import json
import re
from collections.abc import Collection, Mapping
from typing import Any, overload
from urllib.parse import parse_qsl

from pyramid.request import Request

from .errors import RefusedError, field_error, general_error

FORM_TYPE = "application/x-www-form-urlencoded"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LARGEST_INSTANT = 253_402_300_799_999  # the last millisecond of the year 9999


def json_body(request: Request, optional: bool = False) -> dict[str, Any]:
    """The request's JSON object; an empty body is ``{}`` where ``optional``.

    Raises a 400 for any other content type or for what is not a JSON object in UTF-8.
    """
    if optional and not request.body:
        return {}
    if request.content_type != "application/json":
        raise general_error("invalidContentType", "The Content-Type must be application/json.")
    return parse_object(request.body)


def parse_object(raw: bytes) -> dict[str, Any]:
    """Parse bytes as one JSON object whose text SQLite and UTF-8 can hold."""
    try:
        value = json.loads(raw)
        # A lone surrogate is legal in JSON escapes but can be neither stored nor sent.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise general_error("invalidJSON", "The body is not valid JSON.") from error
    if not isinstance(value, dict):
        raise general_error("invalidJSON", "The body must be a JSON object.")
    return value


def input_values(request: Request) -> dict[str, Any]:
    """Query parameters, and over them the JSON or form body: for endpoints that accept every form."""
    values: dict[str, Any] = dict(request.GET.items())
    if request.content_type == FORM_TYPE:
        values.update(form(request))
    elif request.content_type == "application/json" and request.body:
        values.update(parse_object(request.body))
    return values


def form(request: Request) -> dict[str, str]:
    """The fields of a form body. Raises a 400 for another content type or for bytes that are not UTF-8."""
    if request.content_type != FORM_TYPE:
        raise general_error("invalidContentType", f"The Content-Type must be {FORM_TYPE}.")
    try:
        pairs = parse_qsl(
            request.body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100
        )
    except ValueError as error:
        raise general_error("invalidForm", "The form cannot be read.") from error
    return dict(pairs)


def text(values: Mapping[str, Any], name: str, field: str | None = None) -> str | None:
    """An optional string; a 400 when it has another type."""
    value = values.get(name)
    if value is not None and not isinstance(value, str):
        raise field_error(
            field or name, "couldNotConvert", f"The [{field or name}] property must be a string."
        )
    return value


def required_text(values: Mapping[str, Any], name: str, field: str | None = None) -> str:
    """A string that must be there and not be empty."""
    value = text(values, name, field)
    if not value:
        raise field_error(field or name, "blank", f"You must specify the [{field or name}] property.")
    return value


def identifier(values: Mapping[str, Any], name: str, field: str | None = None) -> str | None:
    """An optional UUID, in lower case."""
    value = text(values, name, field)
    return None if value is None or value == "" else uuid_text(value, field or name)


def required_identifier(values: Mapping[str, Any], name: str, field: str | None = None) -> str:
    """A UUID that must be there."""
    return uuid_text(required_text(values, name, field), field or name)


def uuid_text(value: str, field: str) -> str:
    """``value`` as a lower-case UUID, or a 400 ``[couldNotConvert]``."""
    if not _UUID.fullmatch(value):
        raise field_error(
            field,
            "couldNotConvert",
            f"Invalid [{field}]. This must be a valid UUID String "
            "(e.g. 25a872da-bb44-4af8-a43d-e7bcb5351ebc).",
        )
    return value.lower()


def flag(values: Mapping[str, Any], name: str, default: bool = False) -> bool:
    """A boolean; parameters may spell it ``true`` and ``false``."""
    value = values.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise field_error(name, "couldNotConvert", f"The [{name}] property must be true or false.")


@overload
def whole(values: Mapping[str, Any], name: str, default: int, *, low: int = 0, high: int = ...) -> int: ...


@overload
def whole(
    values: Mapping[str, Any], name: str, default: None = None, *, low: int = 0, high: int = ...
) -> int | None: ...


def whole(
    values: Mapping[str, Any],
    name: str,
    default: int | None = None,
    *,
    low: int = 0,
    high: int = _LARGEST_INSTANT,
) -> int | None:
    """An optional whole number between ``low`` and ``high``."""
    value = values.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise field_error(
            name, "couldNotConvert", f"The [{name}] property must be a whole number from {low} to {high}."
        )
    return value


def mapping(values: Mapping[str, Any], name: str, field: str | None = None) -> dict[str, Any]:
    """An optional JSON object; ``{}`` when it is absent."""
    value = values.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise field_error(
            field or name, "couldNotConvert", f"The [{field or name}] property must be an object."
        )
    return value


def strings(values: Mapping[str, Any], name: str, field: str | None = None) -> list[str]:
    """An optional list of strings; ``[]`` when it is absent."""
    value = values.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise field_error(
            field or name, "couldNotConvert", f"The [{field or name}] property must be a list of strings."
        )
    return value


def only(values: Mapping[str, Any], names: Collection[str]) -> None:
    """Refuse names that are not known, so that a misspelt test hook is never silently ignored."""
    unknown = sorted(set(values) - set(names))
    if unknown:
        raise general_error(
            "unknownProperty", f"Unknown: {', '.join(unknown)}. Known: {', '.join(sorted(names))}."
        )


def has_api_key(request: Request, api_key: str) -> bool:
    """Return whether the request carries the API key. A wrong key is a 401 even where none was needed.

    The header is the bare key: a scheme word such as ``Basic`` makes it another kind of credential.
    """
    header = request.headers.get("Authorization")
    if header is None or header.startswith(("Bearer ", "Basic ")):
        return False
    if not hmac.compare_digest(header.encode("utf-8", "replace"), api_key.encode()):
        raise RefusedError(401)
    return True


def require_api_key(request: Request, api_key: str) -> None:
    """Raise an empty 401 unless the request carries the API key."""
    if not has_api_key(request, api_key):
        raise RefusedError(401)
