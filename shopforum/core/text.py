"""Clean text from outside for logs and lists."""

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def clean(text: str, limit: int) -> str:
    """Return text without control characters, of at most `limit` characters."""
    return _CONTROL.sub(" ", text[: limit * 2]).strip()[:limit]
