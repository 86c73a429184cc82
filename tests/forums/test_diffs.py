"""The difference that an edit made, in words."""

import time

from hypothesis import given, strategies

from shopforum.forums import links
from shopforum.forums.diffs import Part, compare


def test_words_are_compared() -> None:
    assert compare("the quick fox", "the slow fox!") == [
        Part("same", "the "),
        Part("removed", "quick"),
        Part("added", "slow"),
        Part("same", " fox"),
        Part("added", "!"),
    ]
    assert compare("", "new") == [Part("added", "new")]
    assert compare("a\n", "a\n") == [Part("same", "a\n")]


def test_long_sameness_is_cut() -> None:
    text = "word " * 500
    same, added = compare(text, text + "end")
    assert len(same.text) < 400
    assert added == Part("added", "end")


def test_a_change_in_a_long_text_is_shown_by_word() -> None:
    before = " ".join(f"word{n}" for n in range(2900))
    head, removed, added, tail = compare(before, before.replace("word1500 ", "another "))
    assert (removed, added) == (Part("removed", "word1500"), Part("added", "another"))
    assert head.text.endswith("word1499 ")
    assert tail.text.startswith(" word1501")


@given(strategies.text("ab \n,", max_size=60), strategies.text("ab \n,", max_size=60))
def test_the_parts_make_both_texts(before: str, after: str) -> None:
    parts = compare(before, after)
    assert "".join(part.text for part in parts if part.change != "added") == before
    assert "".join(part.text for part in parts if part.change != "removed") == after


def _cycle(length: int, step: int, between: str) -> str:
    """So many marks, each a word of its own, of 150 kinds over and over."""
    return between.join(chr(0x2200 + (i * step) % 150) for i in range(length))


def test_the_longest_texts_are_quick() -> None:
    started = time.process_time()
    for before, after in (
        ("a " * 10_000, "b " * 10_000),
        ("a b " * 900, "b a " * 900),
        ("a\n" * 9000, "a\nb\n" * 5000),
        # Each line often enough to be worth comparing, seldom enough not to be passed over.
        (_cycle(9990, 1, "\n"), _cycle(9990, 7, "\n")),
        (_cycle(999, 1, "\n"), _cycle(999, 7, "\n")),
        (_cycle(999, 1, ""), _cycle(999, 7, "")),
    ):
        compare(before, after)
    assert time.process_time() - started < 2


@given(strategies.text(max_size=200))
def test_addresses_are_plain(title: str) -> None:
    slug = links.slug(title)
    assert 1 <= len(slug) <= 80
    assert slug.replace("-", "").isalnum()
    assert slug.isascii()
