"""Markdown of posts, rendered to safe HTML.

There are two defences, each sufficient alone. The parser passes no HTML of the author on, links only to http, https and
mailto, and turns pictures into links (a picture would tell its server who reads the post) and headings into bold lines.
Its output then passes an allow-list of elements and attributes.

Plain web addresses become links. `@handle` becomes a link if the caller names the handle as mentioned. In code, links and
addresses it is never a mention.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, table
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup

MAX_LENGTH = 20_000

_ADDRESS = re.compile(r"(?:https?://[^/?#\s]|mailto:[^\s@]+@)", re.IGNORECASE)

_MENTION = re.compile(r"/members/[a-z0-9-]+")

# A web address, or a handle that is not part of a longer word.
_FOUND = re.compile(
    r"(?<!\w)(?P<url>https?://[^\s<>\"`]+)|(?<![\w@/.:-])@(?P<handle>[a-z0-9]+(?:-[a-z0-9]+)*)(?![\w@])",
    re.IGNORECASE | re.ASCII,
)

_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
_ELEMENTS = {
    *("a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "s", "strong", "ul"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


def render(text: str, mentions: Iterable[str] = ()) -> Markup:
    """Return the HTML of a post, in which the handles of `mentions` are links. Text beyond MAX_LENGTH is cut off."""
    return _render(text, frozenset(mentions))


@lru_cache(maxsize=512)
def _render(text: str, mentions: frozenset[str]) -> Markup:
    html = _PARSER.render(text[:MAX_LENGTH], {"mentions": mentions})
    return Markup(_ALLOW_LIST.clean(html))  # noqa: S704 - the allow-list is what makes it markup


def mentioned(text: str) -> list[str]:
    """Return the handles that a post mentions outside quotations, in their order."""
    found = (
        child.meta["handle"]
        for token in _own(_PARSER.parse(text[:MAX_LENGTH]))
        for child in token.children or ()
        if child.type == "mention"
    )
    return list(dict.fromkeys(found))


def plain(text: str, length: int) -> str:
    """Return an excerpt: the beginning of a post without markup, quotations and code, in at most `length` characters."""
    line = without_markup(text)
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


@lru_cache(maxsize=512)
def without_markup(text: str) -> str:
    """Return the words of a post in one line, without markup, quotations and code. Text beyond MAX_LENGTH is cut off."""
    words = ("".join(map(_text, token.children or ())) for token in _own(_PARSER.parse(text[:MAX_LENGTH])))
    return " ".join(" ".join(words).split())


def _own(tokens: list[Token]) -> Iterator[Token]:
    """Yield the inline tokens outside quotations and blocks of code."""
    quoted = 0
    for token in tokens:
        if token.type in ("blockquote_open", "blockquote_close"):
            quoted += token.nesting
        elif token.type == "inline" and not quoted:
            yield token


def _text(token: Token) -> str:
    return " " if token.type in ("softbreak", "hardbreak") else token.content


def _is_address(url: str) -> bool:
    """Return whether a link may lead to an address. Relative links may not: their target depends on the page of the post."""
    return _ADDRESS.match(url) is not None


def _attribute(element: str, name: str, value: str) -> str | None:
    """Return the value of an attribute for the allow-list, or None to drop it."""
    return value if name != "href" or _is_address(value) or _MENTION.fullmatch(value) else None


def _link_words(state: StateCore) -> None:
    """Turn pictures, web addresses and handles into links; into words within a link, where no second link may stand."""
    for block in state.tokens:
        if block.type == "inline":
            block.children = list(_linked(block.children or []))


def _linked(children: list[Token]) -> Iterator[Token]:
    depth = 0
    for token in children:
        if token.type in ("link_open", "link_close"):
            depth += token.nesting
        if token.type == "image":
            words = token.content or "picture"
            yield from [_words(words)] if depth else _link(str(token.attrs["src"]), words)
        elif token.type == "text" and not depth:
            yield from _split(token.content)
        else:
            yield token


def _split(text: str) -> Iterator[Token]:
    """Yield the addresses and the handles of a text, and the words between them."""
    end = 0
    for match in _FOUND.finditer(text):
        found = _address(match["url"]) if match["url"] else match[0]
        if found == "":
            continue
        yield _words(text[end : match.start()])
        end = match.start() + len(found)
        if match["url"]:
            yield from _link(_PARSER.normalizeLink(found), found)
        else:
            yield Token("mention", "", 0, content=found, meta={"handle": match["handle"].lower()})
    yield _words(text[end:])


def _address(url: str) -> str:
    """Return a web address without the punctuation of the sentence around it; "" if nothing is left of it."""
    while url and (url[-1] in ".,:;!?*_~'" or (url[-1] in ")]" and not _opened(url))):
        url = url[:-1]
    return url if _is_address(url) else ""


def _opened(url: str) -> bool:
    """Return whether the bracket at the end of an address was opened within it."""
    return url.count("(") >= url.count(")") if url[-1] == ")" else url.count("[") >= url.count("]")


def _link(url: str, words: str) -> list[Token]:
    return [Token("link_open", "a", 1, attrs={"href": url}), _words(words), Token("link_close", "a", -1)]


def _words(words: str) -> Token:
    return Token("text", "", 0, content=words)


def _mention(self: Any, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    """Render a handle, letters and hyphens, as a link to its owner's page."""
    words, handle = tokens[index].content, tokens[index].meta["handle"]
    known = handle in env.get("mentions", ())
    return f'<a href="/members/{handle}">{words}</a>' if known else words


def _heading_open(self: Any, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    return "<p><strong>"


def _heading_close(self: Any, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    return "</strong></p>\n"


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a table, unless it has more cells than characters: the parser fills short rows up, so a post of wide tables with
    short rows would become megabytes, and take seconds.
    """
    begins = table(state, start, end, True)
    if silent or not begins:
        return begins
    after = next((line for line in range(start, end) if state.isEmpty(line)), end)
    first, last = state.bMarks[start], state.eMarks[after - 1]
    columns = state.src.count("|", state.bMarks[start + 1], state.eMarks[start + 1]) + 1
    return columns * (after - start) <= last - first and table(state, start, end, False)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("js-default", {"html": False, "breaks": True, "maxNesting": 20})
    # An address that is defined once and referred to a thousand times would make the HTML megabytes long.
    parser.disable("reference")
    parser.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    parser.validateLink = _is_address  # type: ignore[method-assign]
    parser.core.ruler.push("link_words", _link_words)
    parser.add_render_rule("mention", _mention)
    parser.add_render_rule("heading_open", _heading_open)
    parser.add_render_rule("heading_close", _heading_close)
    return parser


_PARSER = _parser()
_ALLOW_LIST = nh3.Cleaner(
    tags=_ELEMENTS,
    attributes=_ATTRIBUTES,
    attribute_filter=_attribute,
    url_schemes={"http", "https", "mailto"},
    link_rel="ugc nofollow noopener",
)
