"""What an edit changed, in words."""

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


@given(strategies.text("ab \n,", max_size=60), strategies.text("ab \n,", max_size=60))
def test_the_parts_make_both_texts(before: str, after: str) -> None:
    parts = compare(before, after)
    assert "".join(part.text for part in parts if part.change != "added") == before
    assert "".join(part.text for part in parts if part.change != "removed") == after


def test_the_longest_texts_are_quick() -> None:
    started = time.process_time()
    for before, after in (
        ("a " * 10_000, "b " * 10_000),
        ("a b " * 900, "b a " * 900),
        ("a\n" * 9000, "a\nb\n" * 5000),
    ):
        compare(before, after)
    assert time.process_time() - started < 2


@given(strategies.text(max_size=200))
def test_addresses_are_plain(title: str) -> None:
    slug = links.slug(title)
    assert 1 <= len(slug) <= 80
    assert slug.replace("-", "").isalnum()
    assert slug.isascii()
