"""A title has a least length: two Chinese characters are enough, two Latin letters are not."""

import pytest
from page_forms import form_of
from support import Browser


@pytest.mark.parametrize(
    ("title", "status"),
    [("求助", 303), ("锅?", 303), ("Hi!", 303), ("Hi", 422), ("锅", 422), ("x" * 121, 422)],
)
def test_a_title_is_as_short_as_its_language_allows(member: Browser, title: str, status: int) -> None:
    form = form_of(member.get("/categories/pans/topics"), "/categories/pans/topics")
    form["title"], form["body"] = title, "Some text"
    form.submit(status=status)
