"""Full text search that forgives: accents, beginnings of words, typing errors. SQL fragments, and what is done with words.

A table has two generated columns for it: a text search vector of its `folded` text, with a GIN index, and the folded
text itself, with a trigram index (the extension pg_trgm), to find the word that was meant. PostgreSQL reduces words to their
stems, so that "lamps" finds "lamp"; a query asks for words that begin with the stem, so that "lam" does as well.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from markupsafe import Markup, escape

# More words than anybody searches for, and longer ones. Each costs a look into the index.
_MOST_WORDS, _LONGEST = 8, 40
# The share of equal letters from which on a word may be what was meant: "cofee" is "coffee", "tea" is not "tee".
_CLOSE = 0.72
_SHORTEST_TO_CORRECT = 4
_SPECIAL = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ß": "ss"})
_WORD = re.compile(r"\w+")


def folded(sql: str) -> str:
    """SQL for a text in small letters and without accents, as `fold` makes it. Immutable, so fit for an index."""
    plain = f"lower(regexp_replace(normalize({sql}, NFKD), '[\\u0300-\\u036f]', '', 'g'))"
    return f"replace(translate({plain}, 'øłđ', 'old'), 'ß', 'ss')"


def fold(text: str) -> str:
    """Return a text in small letters and without accents: "Café" is "cafe"."""
    parts = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in parts if not unicodedata.combining(sign)).lower().translate(_SPECIAL)


def words(text: str) -> list[str]:
    """Return the words of a search, folded."""
    return [word[:_LONGEST] for word in _WORD.findall(fold(text))][:_MOST_WORDS]


def query(searched: Sequence[str], *, some: bool = False) -> str:
    """Return the text for to_tsquery that asks for all of the words, or for `some` of them, each as a beginning."""
    return (" | " if some else " & ").join(f"{word}:*" for word in searched)


def stems(tsquery: str) -> tuple[str, ...]:
    """Return the stems in a tsquery as PostgreSQL prints it: `'lamp':* & 'desk':*`."""
    # English stems end in i where words end in y.
    return tuple(stem.removesuffix("i") for stem in re.findall(r"'([^']+)'", tsquery))


def mark(text: str, found: Sequence[str]) -> Markup:
    """Return a text as HTML, with <mark> around the words that begin with one of the stems."""
    begins = tuple(found)
    if not begins:
        return escape(text)

    def marked(match: re.Match[str]) -> str:
        word = escape(match[0])
        return str(Markup("<mark>{}</mark>").format(word) if fold(match[0]).startswith(begins) else word)

    parts, end = [], 0
    for match in _WORD.finditer(text):
        parts += [str(escape(text[end : match.start()])), marked(match)]
        end = match.end()
    return Markup("".join([*parts, str(escape(text[end:]))]))  # noqa: S704 - each part is escaped above


def corrected(searched: Sequence[str], texts: Iterable[str]) -> list[str]:
    """Return the words with the misspelt ones replaced by the closest word in these folded texts.

    A word that some word in the texts begins with is right as it is, and so is one that no word is close to.
    """
    known = {word for text in texts for word in _WORD.findall(text)}

    def correct(word: str) -> str:
        if len(word) < _SHORTEST_TO_CORRECT or any(one.startswith(word) for one in known):
            return word
        return next(iter(get_close_matches(word, known, 1, _CLOSE)), word)

    return [correct(word) for word in searched]
