"""Requests for approval, and the response of an act that waits for one."""

from typing import Any
from uuid import UUID

from pyramid.response import Response

from ...operations import approvals, json_documents
from ...operations.approval_requests import Waiting
from .. import responses
from ..idempotency import Outcome
from ..problems import Problem
from ..request import ApiRequest as Request
from .calls import Given, path_id


def get_approval(request: Request, given: Given) -> Response:
    """Return a request for approval as it stands now."""
    return responses.reply(_approval(request, path_id(request)))


def waiting_response(request: Request, waiting: Waiting) -> Outcome:
    """Return the response of an act that waits for a second owner."""
    return Outcome(202, _approval(request, waiting.approval_id))


def _approval(request: Request, approval_id: UUID) -> dict[str, Any]:
    row = approvals.one(request.read_db, approval_id)
    if row is None:
        raise Problem(404, "There is no such request for approval.")
    return json_documents.approval(row, f"{request.site.url}/approvals/{row.id}")
