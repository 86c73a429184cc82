"""Search in posts. Removed and hidden posts are never found, not even by moderators.

Words are matched by their English stems, without accents, and from their beginning: `knif` and `knives` find knife, `cafe`
finds café. A Chinese or Japanese word is found within a text without spaces. Posts whose topic has the words in its title
come first, then the newest. A search without words lists an author's posts, newest first.

However common a word is, a search reads few posts: the newest LOOKED_AT with the words, and as many with the words in the
title. The index has the words of each stretch of 8,192 posts apart (`forum_terms` in the migrations), and a search goes from
the newest stretch back until it has enough. The other filters narrow what it found, and the page says if there is more.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from markupsafe import Markup, escape

from ..core.prepared_statements import Prepared
from ..core.rows import build
from .paging import FURTHEST, SIZE, NumberedList
from .person import Person, viewing

PERIODS = {"week": 7, "month": 30, "year": 365}

# A search reads no more posts than these. The order of the words of a phrase is not in the index: each post is read for it.
LOOKED_AT, _LOOKED_AT_FOR_PHRASES = 500, 150
# Without words, as many as a list has on all its pages.
_LOOKED_AT_OF_AUTHOR = FURTHEST * SIZE
_BEGINNING = 5000
# Anybody can ask for a search, and its time grows with the number of words.
_MOST_WORDS = 10
_PASSAGE, _BEFORE = 240, 70

# As forum_words() in the migrations prepares the posts: letters lose their accents, and a character of a script without
# spaces between words becomes a word of its own.
_ACCENTS = re.compile("[\u0300-\u036f]+")
_CHARACTER = "[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
_WORD = re.compile(rf"{_CHARACTER}|[^\W_{_CHARACTER[1:-1]}]+")
# A phrase in quotation marks or a word, either after a minus.
_TERM = re.compile(r'(?P<minus>-?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')
# A term that the index can read for an alternative of excluded phrases alone: no post has this word.
_ANY_POST = f"!'{'z' * 64}'"
# A lexeme of a tsquery in PostgreSQL's spelling.
_LEXEME = re.compile(r"'((?:[^']|'')*)'")


@dataclass(frozen=True)
class Query:
    """A search. An empty field does not narrow it. `within` is a key of PERIODS.

    `author` is a name, which several people may have, or a handle after an `@`.
    """

    words: str = ""
    category: str = ""
    author: str = ""
    within: str = ""


@dataclass(frozen=True, kw_only=True)
class Match:
    """A post that was found. `beginning` is enough of the text for an excerpt.

    `found_by` holds the stems of the words, for `marked`. `looked_at` is 0 if the search has looked at all posts with the
    words, or else the number of posts that it has looked at.
    """

    id: int
    author_id: UUID
    author_name: str
    handle: str
    created_at: datetime
    topic_id: int
    topic_title: str
    category_slug: str
    category_name: str
    beginning: str
    found_by: str
    looked_at: int


def _terms(kind: str) -> str:
    """SQL for the `wanted` words as a tsquery of terms of a kind, in the stretch `s`."""
    lexeme, term = "'''([^'']+)'''", rf"'''' || s.stretch || '{kind}\1'''"
    return f"CAST(regexp_replace(w.words, {lexeme}, {term}, 'g') AS tsquery)"


def _newest(terms: str, most: int) -> str:
    """SQL for the ids of the newest posts with `terms`, from the newest stretch back, one more than `most`.

    The LIMIT ends the loop over the stretches, which goes in the order of the series.
    """
    return f"""SELECT p.id FROM wanted w
      CROSS JOIN LATERAL (
        SELECT to_hex(number) AS stretch
        FROM generate_series((SELECT max(id) >> 13 FROM forum_posts), 0, -1) AS number) s
      CROSS JOIN LATERAL (
        SELECT p.id FROM forum_posts p
        WHERE forum_terms(p.id, p.author_id, p.author_name, p.title, p.body)
          @@ (CAST('''' || s.stretch || w.author || '''' AS tsquery) && {terms})
        ORDER BY p.id DESC) p
      WHERE w.words <> '' LIMIT {most + 1}"""


def _statement(name: str, found: str, most: int, condition: str = "true") -> Prepared:
    """Return the statement of a search. `condition` is over a post `p`.

    `found` are the queries of a WITH: `newest`, one post more than `most` if there are more, and `looked_at`, with `titled`.
    """
    return Prepared(
        f"forum_search_{name}",
        rf"""
    WITH wanted AS MATERIALIZED (
      SELECT regexp_replace(CAST(to_tsquery('english', :indexed) AS text), '<(-|[0-9]+)>', '&', 'g') AS words,
        CASE WHEN :handle <> '' THEN '@' || (SELECT user_id FROM forum_members WHERE handle = :handle)
          WHEN :name <> '' THEN '=' || translate(:name, '''\', '') ELSE '' END AS author
    ), {found}
    SELECT p.id, p.author_id, p.author_name, m.handle, p.created_at, p.topic_id, t.title AS topic_title,
      c.slug AS category_slug, c.name AS category_name, left(p.body, {_BEGINNING}) AS beginning, f.total,
      CASE WHEN (SELECT count(*) FROM newest) > {most} THEN {most} ELSE 0 END AS looked_at,
      CAST(to_tsquery('english', :found_by) AS text) AS found_by
    FROM (
      SELECT p.id, l.titled, count(*) OVER () AS total
      FROM looked_at l JOIN forum_posts p ON p.id = l.id JOIN forum_topics t ON t.id = p.topic_id
      JOIN forum_categories c ON c.id = t.category_id
      -- By their ids, whatever the planner thinks of their number.
      WHERE p.id = ANY (ARRAY(SELECT id FROM looked_at)) AND {condition} AND p.removed_at IS NULL AND NOT t.hidden
        AND (:category = '' OR c.slug = :category)
        AND (:name = '' OR lower(p.author_name) = :name)
        AND (:days = 0 OR p.created_at > now() - make_interval(days => :days))
      ORDER BY l.titled DESC, p.id DESC LIMIT :rows OFFSET :skip) f
    JOIN forum_posts p ON p.id = f.id JOIN forum_topics t ON t.id = p.topic_id
    JOIN forum_categories c ON c.id = t.category_id JOIN forum_members m ON m.user_id = p.author_id
    ORDER BY f.titled DESC, p.id DESC
    """,
    )


def _of_words(name: str, most: int, condition: str = "true") -> Prepared:
    """Return the statement of a search for words. With excluded words a title is not enough: the text must not have them."""
    both = f"CASE WHEN strpos(w.words, '!') = 0 THEN {_terms('!')} ELSE {_terms('!')} && {_terms('.')} END"
    found = f"""titled AS MATERIALIZED ({_newest(both, most)}),
    newest AS MATERIALIZED ({_newest(_terms("."), most)}),
    looked_at AS MATERIALIZED (
      (SELECT id, true AS titled FROM titled ORDER BY id DESC LIMIT {most})
      UNION ALL
      SELECT id, false FROM (SELECT id FROM newest ORDER BY id DESC LIMIT {most}) AS newest
      WHERE id NOT IN (SELECT id FROM titled))"""
    return _statement(name, found, most, condition)


def _of_author(name: str, condition: str) -> Prepared:
    """Return the statement of a search without words, for the posts of an author."""
    found = f"""newest AS MATERIALIZED (
      SELECT p.id FROM forum_posts p WHERE {condition} ORDER BY p.id DESC LIMIT {_LOOKED_AT_OF_AUTHOR + 1}),
    looked_at AS MATERIALIZED (
      SELECT id, false AS titled FROM newest ORDER BY id DESC LIMIT {_LOOKED_AT_OF_AUTHOR})"""
    return _statement(name, found, _LOOKED_AT_OF_AUTHOR)


_BY_WORDS = _of_words("words", LOOKED_AT)
_BY_PHRASES = _of_words(
    "phrases", _LOOKED_AT_FOR_PHRASES, "forum_vector(p.title, p.body) @@ to_tsquery('english', :wanted)"
)
_BY_HANDLE = _of_author("handle", "p.author_id = (SELECT user_id FROM forum_members WHERE handle = :handle)")
_BY_NAME = _of_author("name", "lower(p.author_name) = :name")


def results(query: Query, viewer: Person | None = None) -> NumberedList[Match]:
    """Return the list of the matching posts. A query without words must name an author."""
    wanted, found_by, indexed = tsquery(query.words)
    handle = query.author.removeprefix("@").lower() if query.author.startswith("@") else None
    values = {
        **viewing(viewer),
        "wanted": wanted,
        "found_by": found_by,
        "indexed": indexed,
        "category": query.category,
        "name": query.author.lower() if handle is None else "",
        # No handle is a single character that no handle may have.
        "handle": "" if handle is None else handle or "@",
        "days": PERIODS.get(query.within, 0),
    }
    by_words = _BY_PHRASES if "<->" in wanted else _BY_WORDS
    statement = by_words if query.words else _BY_NAME if handle is None else _BY_HANDLE
    return NumberedList(statement, partial(build, Match), values)


def tsquery(words: str) -> tuple[str, str, str]:
    """Return a query in PostgreSQL's language, the part of it that a match contains, and the part that the index can find.

    A match contains no excluded words. The index knows no order of words, so it cannot exclude phrases.
    """
    alternatives: list[list[str]] = [[]]
    indexed: list[list[str]] = [[]]
    contained: list[str] = []
    for term in list(_TERM.finditer(words))[:_MOST_WORDS]:
        if term[0].lower() == "or" and alternatives[-1]:
            alternatives.append([])
            indexed.append([])
            continue
        phrase = term["phrase"] is not None
        found = _words(term["phrase"] if phrase else term["word"])
        if not found:
            continue
        whole = phrase or term["minus"]
        sql = " <-> ".join(_literal(word) if whole else _forgiving(word) for word in found)
        if term["minus"]:
            alternatives[-1].append(f"!({sql})")
            if len(found) == 1:
                indexed[-1].append(f"!({sql})")
        else:
            alternatives[-1].append(f"({sql})")
            indexed[-1].append(f"({sql})")
            contained.append(f"({sql})")
    for terms, findable in zip(alternatives, indexed, strict=True):
        if terms and not findable:
            findable.append(_ANY_POST)
    return _either(alternatives), " | ".join(contained), _either(indexed)


def _either(alternatives: list[list[str]]) -> str:
    return " | ".join(" & ".join(terms) for terms in alternatives if terms)


def _words(text: str) -> list[str]:
    return _WORD.findall(plain_letters(text))


def plain_letters(text: str) -> str:
    """Return a text with letters without accents, as `forum_words` in the migrations does."""
    decomposed = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed))


def _literal(word: str) -> str:
    return f"'{word}'"


def _forgiving(word: str) -> str:
    """Return a word with its other forms and longer words that begin with it. Short Latin words stand for themselves."""
    if not _is_long(word):
        return _literal(word)
    forms = [f"'{form}':*" for form in (word, *_plurals(word.lower()))]
    return f"({' | '.join(forms)})" if len(forms) > 1 else forms[0]


def _plurals(word: str) -> Iterator[str]:
    """Yield the forms that the English stemmer does not know to belong together: knife and knives, leaf and leaves."""
    if word.endswith("ves"):
        yield f"{word[:-3]}f"
        yield f"{word[:-3]}fe"
    elif word.endswith("fe"):
        yield f"{word[:-2]}ves"
    elif word.endswith("f"):
        yield f"{word[:-1]}ves"


def marked(text: str, found_by: str) -> Markup:
    """Return a text as HTML with the found words marked. All other text is escaped."""
    return _mark(text, _hits(text, found_by))


def passage(text: str, found_by: str) -> Markup:
    """Return the passage of a text around the first found word, marked; dots stand for omitted text."""
    hits = _hits(text, found_by)
    start, stop = 0, len(text)
    if hits and hits[0][0] > _BEFORE:
        start = text.find(" ", hits[0][0] - _BEFORE, hits[0][0]) + 1 or hits[0][0]
    if stop - start > _PASSAGE:
        cut = text.rfind(" ", start, start + _PASSAGE)
        stop = cut if cut > start else start + _PASSAGE
    within = [(a - start, b - start) for a, b in hits if start <= a and b <= stop]
    dots = Markup("… ") if start else Markup(""), Markup(" …") if stop < len(text) else Markup("")
    return dots[0] + _mark(text[start:stop], within) + dots[1]


def _hits(text: str, found_by: str) -> list[tuple[int, int]]:
    """Return where a text has a word of a query. Words that touch each other, as in Chinese, are one."""
    stems = {found.replace("''", "'") for found in _LEXEME.findall(found_by)}
    hits: list[tuple[int, int]] = []
    for word in _WORD.finditer(text):
        if stems and _has_stem(plain_letters(word[0]).lower(), stems):
            if hits and hits[-1][1] == word.start():
                hits[-1] = (hits[-1][0], word.end())
            else:
                hits.append(word.span())
    return hits


def _has_stem(word: str, stems: set[str]) -> bool:
    """Return whether a word begins with one of these stems. The stem of battery is `batteri`; a short one is a whole word."""
    return any(word == stem or (_is_long(stem) and word.startswith(_spellings(stem))) for stem in stems)


def _is_long(word: str) -> bool:
    """Return whether a word may stand for longer ones that begin with it: one or two Latin letters may not."""
    return len(word) > 2 or not word.isascii()


def _spellings(stem: str) -> tuple[str, ...]:
    return (stem, f"{stem[:-1]}y") if stem.endswith("i") else (stem,)


def _mark(text: str, hits: list[tuple[int, int]]) -> Markup:
    parts, end = [], 0
    for start, stop in hits:
        parts += [escape(text[end:start]), Markup("<mark>%s</mark>") % text[start:stop]]
        end = stop
    return Markup("").join([*parts, escape(text[end:])])
