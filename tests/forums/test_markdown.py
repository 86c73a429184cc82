"""Markdown in, HTML out that can do nothing: known attacks, and whatever Hypothesis thinks of."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopforum import markdown
from shopforum.markdown import MAX_LENGTH, plain, render

ELEMENTS = {
    *("a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "s", "strong", "ul"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {("a", "href"), ("a", "title"), ("a", "rel"), ("ol", "start")}
REL = "ugc nofollow noopener"


class Inspector(HTMLParser):
    """Reads HTML as a browser does and complains about all that posts may not hold."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.complaints: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ELEMENTS:
            self.complaints.append(f"<{tag}>")
        for name, value in attrs:
            if (tag, name) not in ATTRIBUTES:
                self.complaints.append(f"{tag} {name}={value}")
            if name == "href" and not re.match(r"(https?://|mailto:)\S", value or "", re.IGNORECASE):
                self.complaints.append(f"link to {value}")
        if tag == "a" and ("rel", REL) not in attrs:
            self.complaints.append("link without rel")

    def handle_comment(self, data: str) -> None:
        self.complaints.append("comment")

    def handle_decl(self, decl: str) -> None:
        self.complaints.append("declaration")

    def handle_pi(self, data: str) -> None:
        self.complaints.append("instruction")


def test_what_people_write() -> None:
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


def test_pictures_become_links() -> None:
    assert render("![a cat](https://example.com/cat.png)") == (
        f'<p><a href="https://example.com/cat.png" rel="{REL}">a cat</a></p>\n'
    )
    assert render("![](https://example.com/cat.png)").count(">picture</a>") == 1
    within = render("[![a cat](https://example.com/cat.png)](https://example.com/page)")
    assert within.count("<a ") == 1
    assert "cat.png" not in within


ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "<style>*{background:url(//evil.example)}</style>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<form action=https://evil.example><input name=csrf_token>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<base href=https://evil.example>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](&#x6A;avascript:alert(1))",
    "[x](\u0001javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](data:image/svg+xml,<svg onload=alert(1)>)",
    "[x](vbscript:msgbox(1))",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](/logout)",
    "[x](https:evil.example)",
    "[x](http:\\\\evil.example)",
    "[x][r]\n\n[r]: javascript:alert(1)",
    "[x]: data:text/html,1\n[x]",
    "![x](javascript:alert(1))",
    '![x](https://e.example/"onerror="alert(1))',
    '![" onerror=alert(1) x="](https://e.example/y)',
    '[x](https://e.example "t\\" onmouseover=\\"alert(1)")',
    "[x](https://e.example 't' onmouseover=alert(1))",
    "<javascript:alert(1)>",
    "<data:text/html,x>",
    '<https://e.example/"onclick=alert(1)>',
    "`<img src=x onerror=alert(1)>`",
    "```html onload=alert(1)\n<script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "    <script>alert(1)</script>",
    "# <script>alert(1)</script>",
    "> <img src=x onerror=alert(1)>",
    "| <img src=x onerror=alert(1)> |\n|---|\n| <svg onload=alert(1)> |",
    "|a|\n|:-:|\n|b|",
    "- <iframe>\n- <object data=x>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "[<img src=x onerror=alert(1)>](https://e.example)",
    "[a](<javascript:alert(1)>)",
    "[a](<https://e.example\n onclick=x>)",
    "<x:y>",
    "<?php echo 1 ?>",
    "<!DOCTYPE html>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "</div></article></main><h1>ours</h1>",
    "[x](https://\u202eelpmaxe.example)",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_attacks_come_out_harmless(text: str) -> None:
    assert Inspector(render(text)).complaints == []


@pytest.mark.parametrize("html", [attack for attack in ATTACKS if "<" in attack])
def test_the_second_wall_stands_alone(html: str) -> None:
    assert Inspector(markdown._WALL.clean(html)).complaints == []


@pytest.mark.parametrize("text", ATTACKS)
def test_the_first_wall_stands_alone(text: str) -> None:
    complaints = Inspector(markdown._PARSER.render(text)).complaints
    harmless = ("link without rel", "code class=", "td style=text-align:", "th style=text-align:")
    assert [complaint for complaint in complaints if not complaint.startswith(harmless)] == []


MARKS = st.sampled_from(
    [
        *"<>[]()!`*_#|\n\"'\\\t=/&;",
        *[
            "```",
            "~~",
            "&#106;",
            "&colon;",
            "javascript:",
            "data:text/html,",
            "https://e.example",
            "mailto:",
            "<script>",
            "|-|",
        ],
        *["<img/src=x/onerror=y>", "<!--", "-->", "style=", "onload="],
        *("- ", "> ", "1. ", "    ", "<a href="),
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(MARKS | st.text(max_size=5), max_size=40).map("".join))
def test_nothing_active_whatever_is_written(text: str) -> None:
    assert Inspector(render(text)).complaints == []
    assert len(plain(text, 50)) <= 50


@pytest.mark.parametrize(
    "unit", ["[", "![", "*a **a ", "`", ">", "- ", "[a](", "<", "_a__", "|a", "&", "[a]: <", "~~"]
)
def test_the_longest_texts_are_quick(unit: str) -> None:
    text = (unit * MAX_LENGTH)[:MAX_LENGTH]
    started = time.process_time()
    render(text)
    assert time.process_time() - started < 2


def test_longer_texts_are_cut() -> None:
    assert str(render("x" * (MAX_LENGTH + 5))) == f"<p>{'x' * MAX_LENGTH}</p>\n"


def test_excerpts_are_words() -> None:
    assert plain("> quoted\n\n**Bold** and [a link](https://e.example), `code`\nnext", 80) == (
        "Bold and a link, code next"
    )
    assert plain("word " * 20, 20) == "word word word word…"
    assert plain("> only a quotation", 80) == ""
