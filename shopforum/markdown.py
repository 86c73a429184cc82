"""Markdown as people write it in posts, made into HTML that can do nothing.

Two walls, each enough alone. The parser writes no HTML of the author's, links only to http, https and mailto, turns
pictures into links (a picture would tell its server who reads) and headings into bold lines. What it wrote then
passes an allow-list of elements and attributes.
"""

import re
from functools import lru_cache
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup

MAX_LENGTH = 20_000

_ADDRESS = re.compile(r"(?:https?://[^/?#\s]|mailto:[^\s@]+@)", re.IGNORECASE)

_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
_ELEMENTS = {
    *("a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "s", "strong", "ul"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


@lru_cache(maxsize=512)
def render(text: str) -> Markup:
    """Safe HTML of a post. What is longer than MAX_LENGTH characters is cut there."""
    html = _PARSER.render(text[:MAX_LENGTH])
    return Markup(_WALL.clean(html))  # noqa: S704 - the allow-list is what makes it markup


def plain(text: str, length: int) -> str:
    """The words of a post's beginning without marks, quotations and code, at most `length` characters: an excerpt."""
    line = " ".join(" ".join(_words(_PARSER.parse(text[:MAX_LENGTH]))).split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def _words(tokens: list[Token]) -> list[str]:
    found: list[str] = []
    quoted = 0
    for token in tokens:
        if token.type in ("blockquote_open", "blockquote_close"):
            quoted += token.nesting
        elif token.type == "inline" and not quoted:
            found.append("".join(_text(child) for child in token.children or ()))
    return found


def _text(token: Token) -> str:
    return " " if token.type in ("softbreak", "hardbreak") else token.content


def _is_address(url: str) -> bool:
    """Whether a link may lead there. Relative ones may not: what they mean depends on where the post is shown."""
    return _ADDRESS.match(url) is not None


def _attribute(element: str, name: str, value: str) -> str | None:
    """The second wall's word on an attribute: its value, or None to drop it."""
    return value if name != "href" or _is_address(value) else None


def _pictures_to_links(state: StateCore) -> None:
    """A picture becomes a link to itself; within a link, where no second link may stand, its description alone."""
    for block in state.tokens:
        if block.type == "inline":
            block.children = _without_pictures(block.children or [])


def _without_pictures(children: list[Token]) -> list[Token]:
    result: list[Token] = []
    depth = 0
    for token in children:
        if token.type in ("link_open", "link_close"):
            depth += token.nesting
        if token.type != "image":
            result.append(token)
            continue
        words = Token("text", "", 0, content=token.content or "picture")
        if depth:
            result.append(words)
        else:
            link = Token("link_open", "a", 1, attrs={"href": token.attrs["src"]})
            result += [link, words, Token("link_close", "a", -1)]
    return result


def _heading_open(self: Any, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    return "<p><strong>"


def _heading_close(self: Any, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    return "</strong></p>\n"


def _parser() -> MarkdownIt:
    parser = MarkdownIt("js-default", {"html": False, "breaks": True, "maxNesting": 20})
    parser.validateLink = _is_address  # type: ignore[method-assign]
    parser.core.ruler.push("pictures_to_links", _pictures_to_links)
    parser.add_render_rule("heading_open", _heading_open)
    parser.add_render_rule("heading_close", _heading_close)
    return parser


_PARSER = _parser()
_WALL = nh3.Cleaner(
    tags=_ELEMENTS,
    attributes=_ATTRIBUTES,
    attribute_filter=_attribute,
    url_schemes={"http", "https", "mailto"},
    link_rel="ugc nofollow noopener",
)
