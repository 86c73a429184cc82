"""Check a value against a JSON schema, as far as openapi.py uses JSON schema: the document itself is the check.

Knows type, const, enum, pattern, format (uuid), minLength, maxLength, minimum, maximum, minItems, maxItems,
properties, required, additionalProperties (false), minProperties, anyOf and oneOf.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..core.ids import parse_uuid

Schema = Mapping[str, Any]
Found = tuple[str, str]

_TYPES: dict[str, type] = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}


def errors(schema: Schema, value: Any, at: str = "") -> Iterator[Found]:
    """Yield the errors of a value: pairs of the field's name, such as `scope.user`, and a sentence."""
    kind = schema.get("type")
    if kind and (not isinstance(value, _TYPES[kind]) or (kind == "integer" and isinstance(value, bool))):
        yield at, f"must be {'an' if kind[0] in 'aeiou' else 'a'} {kind}."
        return
    if "const" in schema and value != schema["const"]:
        yield at, f"must be {str(schema['const']).lower()}."
    if "enum" in schema and value not in schema["enum"]:
        yield at, f"must be one of {', '.join(map(str, schema['enum']))}."
    if isinstance(value, str):
        yield from _text(schema, value, at)
    elif isinstance(value, int):
        yield from _limits(schema, value, at, "minimum", "maximum", "{0} or {1}")
    elif isinstance(value, list):
        yield from _limits(schema, len(value), at, "minItems", "maxItems", "{0} items or {1}")
        for number, item in enumerate(value):
            yield from errors(schema.get("items", {}), item, f"{at}[{number}]")
    elif isinstance(value, dict):
        yield from _object(schema, value, at)
    yield from _one_of(schema, value, at)


def _text(schema: Schema, value: str, at: str) -> Iterator[Found]:
    yield from _limits(schema, len(value), at, "minLength", "maxLength", "{0} characters or {1}")
    if schema.get("format") == "uuid" and parse_uuid(value) is None:
        yield at, "must be an id such as 6f1c1a52-0d3b-4a9e-9d59-0a2f4a3c1d00."
    if "pattern" in schema and not re.fullmatch(schema["pattern"].strip("^$"), value):
        yield at, f"must match {schema['pattern']}."


def _limits(schema: Schema, size: int, at: str, least: str, most: str, words: str) -> Iterator[Found]:
    if size < schema.get(least, size):
        yield at, f"must be {words.format(schema[least], 'more')}."
    if size > schema.get(most, size):
        yield at, f"must be {words.format(schema[most], 'less')}."


def _object(schema: Schema, value: dict[str, Any], at: str) -> Iterator[Found]:
    known = schema.get("properties", {})
    prefix = f"{at}." if at else ""
    for name in schema.get("required", ()):
        if name not in value:
            yield prefix + name, "is missing."
    yield from _limits(schema, len(value), at, "minProperties", "maxProperties", "{0} fields or {1}")
    for name, item in value.items():
        if name in known:
            yield from errors(known[name], item, prefix + name)
        elif schema.get("additionalProperties") is False:
            yield prefix + name[:100], "is not a known field."


def _one_of(schema: Schema, value: Any, at: str) -> Iterator[Found]:
    """Yield the errors of a choice between objects: those of the choice whose required fields are all there. Where there is no
    such choice, those of the first choice of `anyOf`.
    """
    choices = schema.get("oneOf") or schema.get("anyOf")
    if not choices:
        return
    found = [list(errors(choice, value, at)) for choice in choices]
    if not all(found):
        return
    meant = [
        wrong
        for choice, wrong in zip(choices, found, strict=True)
        if isinstance(value, dict) and set(choice.get("required", ())) <= value.keys()
    ]
    if meant:
        yield from min(meant, key=len)
    elif "anyOf" in schema:
        yield from found[0]
    else:
        wanted = [" and ".join(choice.get("required", ())) for choice in choices]
        yield at, f"must have {' or '.join(wanted)}."
