"""Reading a JSON body strictly: what two readers could understand in two ways is refused (RFC 8725 has the attacks)."""

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
    """The request's body. Raises Problem: 415 for what is no JSON by its type, 400 for what cannot be read."""
    if request.content_type != "application/json":
        raise Problem(415, "The body must be application/json.", headers={"Accept": "application/json"})
    try:
        value = json.loads(request.body.decode(), object_pairs_hook=_object, parse_constant=_no_number)
        _check(value)
    except (ValueError, RecursionError) as error:
        detail = str(error) if type(error) is Unreadable else "The body is no JSON that can be read."
        raise Problem(400, detail) from None
    return value


class Unreadable(ValueError):
    """The body is JSON, but not to be trusted; the message says why."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("An object of the body has a name twice.")
    return found


def _no_number(name: str) -> Any:
    raise Unreadable(f"{name} is no JSON.")


def _check(value: Any, depth: int = 1) -> None:
    """Raise Unreadable for odd characters, and for what is nested deeper than anything that is asked for here."""
    if isinstance(value, str):
        if _CONTROL.search(value):
            raise Unreadable("The body holds characters that cannot be used.")
    elif isinstance(value, dict | list):
        if depth > _MAX_DEPTH:
            raise Unreadable("The body is nested too deeply.")
        for item in [*value, *value.values()] if isinstance(value, dict) else value:
            _check(item, depth + 1)
