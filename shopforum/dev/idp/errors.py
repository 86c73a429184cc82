"""Answers of the identity provider: the documented error bodies, empty answers and JSON answers."""

import json
import logging
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request
from pyramid.response import Response

log = logging.getLogger(__name__)

JSON_TYPE = "application/json; charset=UTF-8"


class RefusedError(Exception):
    """A request that ends with an error status; ``body`` None means an empty answer."""

    def __init__(self, status: int, body: dict[str, Any] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body


def field_error(field: str, code: str, message: str) -> RefusedError:
    """A 400 with the documented ``Errors`` body for one field, such as ``[blank]loginId``."""
    entry = {"code": f"[{code}]{field}", "message": message}
    return RefusedError(400, {"fieldErrors": {field: [entry]}, "generalErrors": []})


def general_error(code: str, message: str, status: int = 400) -> RefusedError:
    """An ``Errors`` body that belongs to no field."""
    return RefusedError(
        status, {"fieldErrors": {}, "generalErrors": [{"code": f"[{code}]", "message": message}]}
    )


def oauth_error(error: str, description: str, reason: str, status: int = 400) -> RefusedError:
    """The error body of the OAuth endpoints."""
    return RefusedError(status, {"error": error, "error_description": description, "error_reason": reason})


def answer(body: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(
        json.dumps(body).encode(), status=status, headerlist=[("Content-Type", JSON_TYPE), *NO_STORE]
    )


def nothing(status: int = 200) -> Response:
    """An answer without a body, as FusionAuth gives for deletions and most errors."""
    return Response(b"", status=status, headerlist=[("Content-Length", "0"), *NO_STORE])


NO_STORE = [("Cache-Control", "no-store")]


def _refused(refusal: RefusedError, _request: Request) -> Response:
    if refusal.body is None:
        return nothing(refusal.status)
    return answer(refusal.body, refusal.status)


def _undecodable(_error: UnicodeError, request: Request) -> Response:
    return _refused(general_error("invalidRequest", "The request is not valid UTF-8."), request)


def _unexpected(error: Exception, request: Request) -> Response:
    log.error("unexpected error in %r", request.environ.get("PATH_INFO"), exc_info=error)
    return _refused(general_error("Exception", "An unexpected error occurred.", 500), request)


def _not_found(_error: HTTPNotFound, _request: Request) -> Response:
    return nothing(404)


def includeme(config: Configurator) -> None:
    """Register the views that turn exceptions into answers."""
    config.add_exception_view(_refused, context=RefusedError)
    config.add_exception_view(_undecodable, context=UnicodeError)
    config.add_exception_view(_unexpected, context=Exception)
    config.add_notfound_view(_not_found)
