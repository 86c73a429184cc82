"""Health and version of the provider."""

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from .errors import answer, nothing
from .json_fields import has_api_key, require_api_key
from .service import VERSION, service_of


def status(request: Request) -> Response:
    """``GET /api/status``: with the API key also the version."""
    version = {"version": VERSION} if has_api_key(request, service_of(request).api_key) else {}
    return answer({"status": "ok", **version})


def health(request: Request) -> Response:
    """``GET /api/health``: 200 without a body as long as the database answers."""
    with service_of(request).database.read() as db:
        db.execute("SELECT 1 FROM tenants").fetchone()
    return nothing(200)


def version(request: Request) -> Response:
    """``GET /api/system/version``."""
    require_api_key(request, service_of(request).api_key)
    return answer({"version": VERSION})


def forgot_password(request: Request) -> Response:
    """``GET /password/forgot``: stands where FusionAuth's hosted page would ask for an address and write to it."""
    body = (
        "FusionAuth would ask for your e-mail address here and send a link to change the password.\n"
        "This stand-in sends nothing: POST /api/user/change-password changes one, with the API key.\n"
    )
    return Response(body, content_type="text/plain", charset="utf-8")


def account_page(request: Request) -> Response:
    """``GET /account/``: stands where FusionAuth's hosted account page would let a person set up a second factor."""
    body = (
        "FusionAuth would let you log in here and set up a second step.\n"
        "This stand-in has no pages: PATCH /api/user/{userId} sets twoFactor.methods, with the API key.\n"
    )
    return Response(body, content_type="text/plain", charset="utf-8")


def includeme(config: Configurator) -> None:
    """Routes of this module."""
    for name, path, view in (
        ("status", "/api/status", status),
        ("health", "/api/health", health),
        ("version", "/api/system/version", version),
        ("forgot_password_page", "/password/forgot", forgot_password),
        ("account_page", "/account/", account_page),
    ):
        config.add_route(name, path)
        config.add_view(view, route_name=name, request_method="GET")
