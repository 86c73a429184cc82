"""Hostile Markdown in, HTML out that can do nothing: known attacks, and whatever Hypothesis thinks of."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopforum.core import markdown
from shopforum.core.markdown import MAX_LENGTH, mentioned, plain, render

ELEMENTS = {
    *("a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "s", "strong", "ul"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {("a", "href"), ("a", "title"), ("a", "rel"), ("ol", "start")}
REL = "ugc nofollow noopener"
ADDRESS = re.compile(r"(https?://|mailto:)\S|/members/[a-z0-9-]+\Z", re.IGNORECASE)
MENTIONS = ["mia-marsh", "ann", "constructor"]


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
            if name == "href" and not ADDRESS.match(value or ""):
                self.complaints.append(f"link to {value}")
        if tag == "a" and ("rel", REL) not in attrs:
            self.complaints.append("link without rel")

    def handle_comment(self, data: str) -> None:
        self.complaints.append("comment")

    def handle_decl(self, decl: str) -> None:
        self.complaints.append("declaration")

    def handle_pi(self, data: str) -> None:
        self.complaints.append("instruction")


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
    'https://e.example/"onmouseover=alert(1)',
    "https://e.example/'onclick='alert(1)",
    "https://e.example/<script>alert(1)</script>",
    "https://javascript:alert(1)@e.example/",
    "javascript:https://e.example/%0aalert(1)",
    "data:text/html,https://e.example",
    "*https://e.example/*<img src=x onerror=alert(1)>",
    "[https://e.example](javascript:alert(1))",
    "[x](https://e.example) https://[::1",
    "https://e.example/]]><svg onload=alert(1)>",
    "@ann<script>alert(1)</script>",
    '@ann"onclick="alert(1)',
    "@mia-marsh/../../logout",
    "@constructor @__proto__ @ann%22%3E",
    "[@ann](javascript:alert(1))",
    "[x](/members/ann)",
    "[x](/members/ann?q=%3Cscript%3E)",
    "![@ann](javascript:alert(1))",
    "[![@ann](https://e.example/x)](data:text/html,1)",
    "| @ann | https://e.example |\n|---|---|\n| <b> | x |",
    '<https://e.example/@ann"onclick=x>',
    "<a\nhref=javascript:alert(1)>@ann</a>",
    "<a href='/logout'>x</a>",
    "<a href='/members/ann?next=/logout'>x</a>",
    "<a href='//evil.example/members/ann'>x</a>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)>",
    "<template><img src=x onerror=alert(1)></template>",
    "<link rel=stylesheet href=//evil.example>",
    "<button formaction=javascript:alert(1)>",
    "<select><option><style></select><script>alert(1)</script></style>",
    "\\<script>alert(1)\\</script>",
    "\u2028<script>\u2029alert(1)",
    "<scr\u200bipt>alert(1)</scr\u200bipt>",
    "&#x3c;img src=x onerror=alert(1)&#x3e;",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_attacks_come_out_harmless(text: str) -> None:
    assert Inspector(render(text, MENTIONS)).complaints == []


@pytest.mark.parametrize("html", [attack for attack in ATTACKS if "<" in attack])
def test_the_second_wall_stands_alone(html: str) -> None:
    assert Inspector(markdown._ALLOW_LIST.clean(html)).complaints == []


@pytest.mark.parametrize("text", ATTACKS)
def test_the_first_wall_stands_alone(text: str) -> None:
    complaints = Inspector(markdown._PARSER.render(text, {"mentions": MENTIONS})).complaints
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
        *(
            "- ",
            "> ",
            "1. ",
            "    ",
            "<a href=",
            "@ann",
            "@mia-marsh",
            "http://",
            "https://[::1]",
            "xn--",
            "%00",
        ),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(MARKS | st.text(max_size=5), max_size=40).map("".join))
def test_nothing_active_whatever_is_written(text: str) -> None:
    assert Inspector(render(text, MENTIONS)).complaints == []
    assert len(plain(text, 50)) <= 50
    assert all(re.fullmatch("[a-z0-9-]+", handle) for handle in mentioned(text))


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "![",
        "*a **a ",
        "`",
        ">",
        "- ",
        "[a](",
        "<",
        "_a__",
        "|a",
        "&",
        "[a]: <",
        "~~",
        "@",
        "@a",
        "@a-",
        "https://",
        "https://e.e/",
        ")",
    ],
)
def test_the_longest_texts_are_quick(unit: str) -> None:
    text = ("https://e.example/" + unit * MAX_LENGTH)[:MAX_LENGTH]
    started = time.process_time()
    render(text)
    assert time.process_time() - started < 2


def _table(columns: int, rows: int) -> str:
    return "|".join("a" * columns) + "\n" + "|".join("-" * columns) + "\n" + "a\n" * rows + "\n"


@pytest.mark.parametrize(
    "text",
    [
        "[a]: http://" + "x" * 5000 + "\n\n" + "[a]" * 5000,
        "[a]: http://x '" + "&lt;" * 2400 + "'\n\n" + "[a]" * 5000,
        _table(181, 362) * 13,
        _table(45, 90) * 56,
        _table(2000, 8000),
        "".join(f"> {line}\n" for line in (_table(181, 362) * 13).splitlines()),
    ],
    ids=["reference", "reference title", "tables", "small tables", "a table", "quoted tables"],
)
def test_no_text_grows_to_a_multiple(text: str) -> None:
    """A small text that makes megabytes would fill the memory and the time of all who read the page."""
    assert len(render(text[:MAX_LENGTH])) < 10 * MAX_LENGTH
