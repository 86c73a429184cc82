"""Clean text from outside for logs, lists and terminals."""

import re
import unicodedata

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# Control, format (bidirectional overrides, zero width), surrogates, unassigned, private use, line and paragraph separators:
# a terminal obeys some of them, and shows none.
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}


def printable(text: str) -> str:
    """Return text as one line that a terminal shows and does not obey: U+FFFD stands for each unprintable character."""
    return "".join("\ufffd" if unicodedata.category(char) in _UNPRINTABLE else char for char in text)


def clean(text: str, limit: int) -> str:
    """Return text without control characters, of at most `limit` characters."""
    return _CONTROL.sub(" ", text[: limit * 2]).strip()[:limit]
