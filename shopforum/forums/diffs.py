"""Diffs: the words that an edit has changed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

_WORD = re.compile(r"\s+|\w+|[^\w\s]")
# Comparing takes up to cubic time. A longer difference is compared by lines, and a very long one not at all: anybody can
# ask for this page.
_MOST = 2000
_CONTEXT = 160


@dataclass(frozen=True)
class Part:
    """A part of a text; `change` is same, added or removed."""

    change: str
    text: str


def compare(before: str, after: str) -> list[Part]:
    """Return the differences of two texts in reading order. A long unchanged part is shortened in its middle."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    start = _shared(old, new)
    end = _shared(old[start:][::-1], new[start:][::-1])
    middle = _middle(old[start : len(old) - end], new[start : len(new) - end])
    parts = [Part("same", "".join(old[:start])), *middle, Part("same", "".join(old[len(old) - end :]))]
    return [Part(p.change, _shortened(p.text) if p.change == "same" else p.text) for p in parts if p.text]


def _shared(old: list[str], new: list[str]) -> int:
    """Return the number of equal words at the beginning of two texts."""
    pairs = zip(old, new, strict=False)
    return next((i for i, (one, other) in enumerate(pairs) if one != other), min(len(old), len(new)))


def _middle(old: list[str], new: list[str]) -> Iterator[Part]:
    """Diff by words; by lines for long texts; as a whole where even that is too slow."""
    if len(old) + len(new) > _MOST:
        old, new = "".join(old).splitlines(keepends=True), "".join(new).splitlines(keepends=True)
    if len(old) + len(new) > _MOST:
        old, new = ["".join(old)], ["".join(new)]
    for kind, i, j, k, m in SequenceMatcher(None, old, new).get_opcodes():
        if kind == "equal":
            yield Part("same", "".join(old[i:j]))
        else:
            yield Part("removed", "".join(old[i:j]))
            yield Part("added", "".join(new[k:m]))


def _shortened(text: str) -> str:
    if len(text) <= 3 * _CONTEXT:
        return text
    return f"{text[:_CONTEXT]} […] {text[-_CONTEXT:]}"
