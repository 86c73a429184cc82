"""The two addresses at which a browser binds a session to its device and renews the bound cookie (W3C DBSC). For browsers alone.

Neither takes a form, so there is no CSRF token; the request's origin is checked. The browser gives a binding up for a 4xx
without a challenge, and for 429. So these views answer 403 with a challenge, or because the binding is over, and our own
faults are 5xx: the host application's error pages, which leave the cookies alone.
"""

from pyramid.config import Configurator
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from . import binding_headers, cookies
from .binding import Binding
from .csrf import check_origin
from .policy import client_of, jar, presented_pair
from .request import SessionRequest as Request


def includeme(config: Configurator) -> None:
    """Add the two addresses, open to everybody."""
    for name, path, view in (
        ("dbsc_register", binding_headers.REGISTER_PATH, register),
        ("dbsc_refresh", binding_headers.REFRESH_PATH, refresh),
    ):
        config.add_route(name, path)
        config.add_view(
            view,
            route_name=name,
            request_method="POST",
            permission=NO_PERMISSION_REQUIRED,
            require_csrf=False,
        )


def register(request: Request) -> Response:
    """Bind the session of the request's cookies to the key that has signed the login's challenge. 200, or 403."""
    check_origin(request)
    proof = binding_headers.proof(request) or ""
    answer = request.sessions.bind(presented_pair(request), proof, request.path_url, client_of(request))
    return _response(request, answer)


def refresh(request: Request) -> Response:
    """Renew the bound cookie of the session that the browser names. 200; 403 with a challenge, or without: it is over."""
    check_origin(request)
    answer = request.sessions.renew_bound_cookie(
        binding_headers.identifier(request),
        presented_pair(request),
        binding_headers.proof(request),
        request.path_url,
        client_of(request),
    )
    return _response(request, answer)


def _response(request: Request, answer: Binding) -> Response:
    """Return the session's instructions and its cookie, or 403 with what is left to do."""
    content: dict[str, object] = {"session_identifier": answer.identifier} if answer.identifier else {}
    if answer.cookie:
        content |= {
            "refresh_url": binding_headers.REFRESH_PATH,
            "scope": {"include_site": False},
            # Links on other sites: the browser would otherwise follow one without renewing the cookie first.
            "allowed_refresh_initiators": ["*"],
            "credentials": [{"type": "cookie", "name": cookies.BOUND, "attributes": jar(request).attributes}],
        }
    elif not answer.challenge:
        content["continue"] = False
    response = Response(json=content, status=200 if answer.cookie else 403)
    response.headers["Cache-Control"] = "no-store"
    if answer.challenge:
        response.headerlist.append(binding_headers.next_challenge(answer.identifier, answer.challenge))
    if answer.cookie:
        life = request.sessions.config.binding_life
        response.headerlist.append(jar(request).header(cookies.BOUND, answer.cookie, life))
    return response
