"""The forms of a page, as the tests find them."""

from typing import Any

from webtest import TestResponse


def form_of(page: TestResponse, action: str) -> Any:
    """Return the form of a page that is sent to a path, whatever the part of the page (`#…`) that it leads to."""
    return next(form for form in page.forms.values() if form.action.partition("#")[0] == action)
