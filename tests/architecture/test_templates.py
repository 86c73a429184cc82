"""Templates: what makes every page slower if it creeps in again."""

from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "shopforum"


def test_macros_are_loaded_once_and_not_for_each_page():
    """An import with context runs the whole file of macros again for each page, a tenth of the page's time."""
    templates = {path.relative_to(PACKAGE): path.read_text() for path in PACKAGE.rglob("*.jinja2")}
    assert len(templates) > 60
    assert [str(path) for path, text in templates.items() if "with context %}" in text] == []
