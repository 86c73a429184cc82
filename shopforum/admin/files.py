"""Files that the console hands out, written while they are read."""

from collections.abc import Iterator

from pyramid.response import Response

from ..operations.export import FORMATS


def attachment(name: str, kind: str, lines: Iterator[bytes]) -> Response:
    """Return lines as a file to save. `kind` is a key of `FORMATS`, and the extension of the name."""
    return Response(
        app_iter=lines,
        content_type=FORMATS[kind],
        charset="utf-8",
        content_disposition=f'attachment; filename="{name}.{kind}"',
    )
