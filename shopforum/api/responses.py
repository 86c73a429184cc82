"""JSON responses of the API."""

import json
from collections.abc import Iterable
from typing import Any

from pyramid.response import Response

from ..operations.json_documents import plain


def reply(body: Any, status: int = 200, **headers: str) -> Response:
    """Return a JSON response."""
    response = Response(
        json.dumps(body, default=plain).encode(), status=status, content_type="application/json"
    )
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


def lines(rows: Iterable[Any]) -> Response:
    """Return JSON lines, an object on each."""
    text = "".join(json.dumps(row, default=plain) + "\n" for row in rows)
    return Response(text.encode(), content_type="application/x-ndjson")
