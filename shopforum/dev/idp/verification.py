"""Verifying an e-mail address: the mail with a link, the page behind the link, and the API that does the same."""

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from . import accounts
from .errors import RefusedError, nothing
from .json_fields import json_body, required_text
from .service import service_of

_SECONDS = 86_400


def send_verification(request: Request, user_id: str, address: str) -> None:
    """Write the mail that asks the owner of an address to confirm it."""
    service = service_of(request)
    made = service.state.challenge("verifyEmail", user_id, _SECONDS)
    link = f"{request.host_url}/email/verify/{made.id}"
    service.mails.send(address, "Confirm your e-mail address", f"Follow this link, then log in:\n\n{link}\n")


def verify(request: Request) -> Response:
    """``POST /api/user/verify-email`` ``{"verificationId"}``: 200, or 404 for an unknown id. Both are empty."""
    _verify(request, required_text(json_body(request), "verificationId"))
    return nothing(200)


def page(request: Request) -> Response:
    """``GET /email/verify/{verificationId}``: stands where FusionAuth's hosted page is."""
    _verify(request, request.matchdict["verificationId"])
    return Response(
        "Your e-mail address is confirmed. You can log in now.\n", content_type="text/plain", charset="utf-8"
    )


def _verify(request: Request, verification_id: str) -> None:
    service = service_of(request)
    spent = service.state.take_challenge("verifyEmail", verification_id)
    if spent is None:
        raise RefusedError(404)
    with service.database.write() as db:
        accounts.update_body(db, spent.user_id, {"verified": True})


def includeme(config: Configurator) -> None:
    """Routes of this module; ``verify_email`` is added with the users' routes, whose order matters."""
    config.add_route("verify_email_page", "/email/verify/{verificationId}")
    config.add_view(verify, route_name="verify_email", request_method="POST")
    config.add_view(page, route_name="verify_email_page", request_method="GET")
