"""What an edit changed, word by word."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

_WORD = re.compile(r"\s+|\w+|[^\w\s]")
# Comparing takes the square of what differs: longer texts are compared by line.
_MOST_WORDS = 4000
_CONTEXT = 160


@dataclass(frozen=True)
class Part:
    """A stretch of text; `change` is same, added or removed."""

    change: str
    text: str


def compare(before: str, after: str) -> list[Part]:
    """The parts of two texts in reading order; long stretches that are the same are cut in their middle."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    if len(old) + len(new) > _MOST_WORDS:
        old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    parts: list[Part] = []
    for kind, i, j, k, m in SequenceMatcher(None, old, new).get_opcodes():
        if kind == "equal":
            parts.append(Part("same", _shortened("".join(old[i:j]))))
            continue
        parts += [Part("removed", "".join(old[i:j]))] if i < j else []
        parts += [Part("added", "".join(new[k:m]))] if k < m else []
    return parts


def _shortened(text: str) -> str:
    if len(text) <= 3 * _CONTEXT:
        return text
    return f"{text[:_CONTEXT]} […] {text[-_CONTEXT:]}"
