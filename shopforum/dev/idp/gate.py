"""The outermost layer: who may speak to the provider at all, the record of calls, and injected faults."""

import ipaddress
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response
from waitress.channel import ClientDisconnected

from .errors import NO_STORE, answer, nothing
from .service import Service, tenant

LARGEST_BODY = 1 << 20
Handler = Callable[[Request], Response]

_SHOWN_PARAMETERS = {
    "applicationId",
    "email",
    "global",
    "hardDelete",
    "kid",
    "loginId",
    "reactivate",
    "userId",
}


def gate(handler: Handler, registry: Registry) -> Handler:
    """The tween factory."""
    service: Service = registry["devidp"]

    def guarded(request: Request) -> Response:
        # Larger bodies would be copied to files that are only closed when collected. The server caps them.
        request.request_body_tempfile_limit = LARGEST_BODY
        path = request.environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        hook = path.startswith("/hooks/")
        if not _local_peer(request):
            return nothing(403)
        if not _local_name(request):
            return nothing(421)
        if hook:
            # A page of some other site in the developer's browser must not be able to turn the hooks.
            return nothing(403) if "Origin" in request.headers else telling(request)
        service.state.record(request.method, path, _shown_query(request.environ.get("QUERY_STRING", "")))
        refused = _wrong_tenant(request, service)
        return refused or _with_faults(telling, request, service, path)

    def telling(request: Request) -> Response:
        """Webhooks go out when the change is committed, and not for a request that was refused."""
        with service.webhooks.collected():
            response = handler(request)
            if response.status_int >= 400:
                service.webhooks.discard()
        return response

    return guarded


def _with_faults(handler: Handler, request: Request, service: Service, path: str) -> Response:
    fault = service.state.take_fault(request.method, path)
    if fault is None:
        return handler(request)
    if fault.delay:
        service.state.pause(fault.delay)
    if fault.drop:
        handler(request)
        # Waitress closes the connection on this without writing anything, as it does when a client has gone.
        raise ClientDisconnected
    if fault.status is None:
        return handler(request)
    headers = [*NO_STORE, *fault.headers.items()]
    if fault.content_type:
        headers.append(("Content-Type", fault.content_type))
    response = Response(status=fault.status, headerlist=headers)
    response.body = fault.body
    return response


def _wrong_tenant(request: Request, service: Service) -> Response | None:
    wanted = request.headers.get("X-FusionAuth-TenantId")
    if wanted is None:
        return None
    with service.database.read() as db:
        known = tenant(db)["id"]
    if wanted.lower() == known:
        return None
    message = "The X-FusionAuth-TenantId header does not name the tenant."
    return answer(
        {"fieldErrors": {}, "generalErrors": [{"code": "[invalid]tenantId", "message": message}]}, 400
    )


def _local_peer(request: Request) -> bool:
    try:
        return ipaddress.ip_address(request.environ.get("REMOTE_ADDR", "127.0.0.1")).is_loopback
    except ValueError:
        return False


def _local_name(request: Request) -> bool:
    # Another name for this machine in the Host header is DNS rebinding.
    host = request.environ.get("HTTP_HOST", "localhost").lower()
    name = host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _shown_query(query: str) -> str:
    """The query with every value hidden that may be a secret."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode(
        [(name, value if name in _SHOWN_PARAMETERS else "***") for name, value in pairs], safe="*"
    )
