"""The document of the API."""

from pyramid.response import Response

from .. import responses
from ..openapi import document
from ..request import ApiRequest as Request
from .calls import Given


def describe(request: Request, given: Given) -> Response:
    """Return the document itself, without a token."""
    return responses.reply(document(request.site.url))
