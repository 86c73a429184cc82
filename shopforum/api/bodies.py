"""Read a JSON body strictly: refuse one that two parsers could read in two ways (attacks: RFC 8725)."""

import json
import re
from typing import Any

from pyramid.request import Request

from .problems import Problem

MAX_BYTES = 256 * 1024
_MAX_DEPTH = 20

# NUL and other control characters, and halves of surrogate pairs, which no database text can hold.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def read(request: Request) -> Any:
    """Return the request's body. Raises Problem: 415 for another content type, 400 for a body that cannot be parsed."""
    if request.content_type != "application/json":
        raise Problem(415, "The body must be application/json.", headers={"Accept": "application/json"})
    try:
        value = json.loads(request.body.decode(), object_pairs_hook=_object, parse_constant=_no_number)
        _check(value)
    except (ValueError, RecursionError) as error:
        detail = str(error) if type(error) is Unreadable else "The body is not valid JSON."
        raise Problem(400, detail) from None
    return value


class Unreadable(ValueError):
    """The body is JSON that could be read in two ways; the message says why."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("An object of the body has a duplicate name.")
    return found


def _no_number(name: str) -> Any:
    raise Unreadable(f"{name} is not JSON.")


def _check(value: Any, depth: int = 1) -> None:
    """Raise Unreadable for control characters, and for nesting deeper than any operation needs."""
    if isinstance(value, str):
        if _CONTROL.search(value):
            raise Unreadable("The body contains control characters.")
    elif isinstance(value, dict | list):
        if depth > _MAX_DEPTH:
            raise Unreadable("The body is nested too deeply.")
        for item in [*value, *value.values()] if isinstance(value, dict) else value:
            _check(item, depth + 1)
