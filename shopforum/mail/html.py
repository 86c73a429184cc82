"""The frame of all letters in HTML."""

from markupsafe import Markup

_PAGE = Markup(
    """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{subject}</title></head>
<body>
{body}
</body></html>
"""
)


def page(subject: str, body: Markup) -> Markup:
    """Return a letter as an HTML page, with its subject as the title. `body` is HTML already."""
    return _PAGE.format(subject=subject, body=body)
