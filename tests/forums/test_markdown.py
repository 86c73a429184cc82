"""Markdown in, HTML out: what people write, and what of it becomes a link."""

import re

import pytest

from shopforum.core.markdown import MAX_LENGTH, plain, render

REL = "ugc nofollow noopener"
MENTIONS = ["mia-marsh", "ann"]


def test_common_markdown() -> None:
    text = "# Hello\n\n*a* **b** ~~c~~ `d`\n\n1. one\n2. two\n\n> q\n\n| x |\n|---|\n| y |\n\nfirst\nsecond"
    html = str(render(text))
    assert "<p><strong>Hello</strong></p>" in html
    for piece in (
        "<em>a</em>",
        "<strong>b</strong>",
        "<s>c</s>",
        "<code>d</code>",
        "<li>one</li>",
        "<td>y</td>",
    ):
        assert piece in html
    assert re.search(r"first<br>\s*second", html)
    assert "<blockquote>" in html


def test_links_carry_rel() -> None:
    html = render("[a](https://example.com/x?y=1&z=2) <https://example.org> <me@example.org>")
    assert f'<a href="https://example.com/x?y=1&amp;z=2" rel="{REL}">a</a>' in html
    assert html.count(f'rel="{REL}"') == 3
    assert "mailto:me@example.org" in html


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("See https://e.example/a_b?c=d&e#f.", ["https://e.example/a_b?c=d&e#f"]),
        (
            "(http://e.example/a_(b)), or <http://e.example/c>!",
            ["http://e.example/a_(b)", "http://e.example/c"],
        ),
        ("**HTTPS://E.example**", ["HTTPS://E.example"]),
        ("`https://e.example` [x](https://f.example)", ["https://f.example"]),
        ("www.e.example, ftp://e.example, https:// and https://.", []),
        ("[https://e.example](https://f.example)", ["https://f.example"]),
        ("https://e.example/@ann", ["https://e.example/@ann"]),
    ],
)
def test_plain_addresses_become_links(text: str, addresses: list[str]) -> None:
    html = render(text, MENTIONS)
    assert re.findall(r'href="([^"]*)"', str(html).replace("&amp;", "&")) == addresses
    assert html.count(f'rel="{REL}"') == len(addresses)


def test_mentions_become_links() -> None:
    html = render("@Mia-Marsh, @nobody: `@ann`", MENTIONS)
    assert html == (
        f'<p><a href="/members/mia-marsh" rel="{REL}">@Mia-Marsh</a>, @nobody: <code>@ann</code></p>\n'
    )
    assert "<a" not in render("@mia-marsh")


def test_pictures_become_links() -> None:
    assert render("![a cat](https://example.com/cat.png)") == (
        f'<p><a href="https://example.com/cat.png" rel="{REL}">a cat</a></p>\n'
    )
    assert render("![](https://example.com/cat.png)").count(">picture</a>") == 1
    within = render("[![a cat](https://example.com/cat.png)](https://example.com/page)")
    assert within.count("<a ") == 1
    assert "cat.png" not in within


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("| a | b | c |\n|---|:-:|--:|\n| d |\n| e | f | g |", 9),
        ("a|b\n-|-\n1|2\n", 4),
        ("|a|\n|-|\n|1|\n\n|b|\n|-|\n|2|", 4),
        ("> |a|b|\n> |-|-|\n> ||2|\n> ||3|\n", 6),
    ],
)
def test_tables(text: str, cells: int) -> None:
    assert len(re.findall("<t[hd]>", render(text))) == cells


def test_longer_texts_are_cut() -> None:
    assert str(render("x" * (MAX_LENGTH + 5))) == f"<p>{'x' * MAX_LENGTH}</p>\n"


def test_excerpts_are_words() -> None:
    assert plain("> quoted\n\n**Bold** and [a link](https://e.example), `code`\nnext", 80) == (
        "Bold and a link, code next"
    )
    assert plain("word " * 20, 20) == "word word word word…"
    assert plain("> only a quotation", 80) == ""
