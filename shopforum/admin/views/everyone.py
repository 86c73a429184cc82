"""`/revoke-everyone`: end everyone's sessions, or all of a site. Only owners see this page."""

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.renderers import render_to_response
from pyramid.response import Response

from ...core.permissions import REVOKE_ALL
from ...core.sites import SITES
from ...operations import approvals, counts, plans
from ...operations.approvals import Kind
from ...operations.targets import Target
from ...sessions import client_of
from ...web.request import Request
from ..forms import EveryoneForm
from .confirming import FRESH, within_authority


def includeme(config: Configurator) -> None:
    """Register the views."""
    config.add_view(
        ask, route_name="admin_everyone", request_method="GET", permission=REVOKE_ALL, fresh_login=FRESH
    )
    config.add_view(
        submit, route_name="admin_everyone", request_method="POST", permission=REVOKE_ALL, fresh_login=FRESH
    )


def ask(request: Request) -> Response:
    """Show the form, with how many sessions would end."""
    return _page(request, EveryoneForm(request.typed or request.GET), 200)


def submit(request: Request) -> Response:
    """End the sessions and show the receipt."""
    form = EveryoneForm(request.POST)
    if not form.validate():
        return _page(request, form, 422)
    me, site, reason = request.me, form.site.data, form.because(request.me)
    except_session = None if form.include_own.data else me.id
    target = Target(site=site or None, everyone=not site)
    plan = plans.make(request.read_db, target, me.id, counted=False)
    act = approvals.ending(Kind.REVOKE, plan, reason, own=me.id, keep_own=not form.include_own.data)
    with within_authority(request, act) as limit:
        revocation_id = plans.carry_out(
            request.sessions, plan, reason, client_of(request), except_session=except_session, limit=limit
        )
    return HTTPSeeOther(f"/revocations/{revocation_id}")


def _page(request: Request, form: EveryoneForm, status: int) -> Response:
    values = {"form": form, "live": counts.live(request.read_db, SITES), "cap": counts.CAP}
    response = render_to_response("shopforum:admin/templates/everyone.jinja2", values, request=request)
    response.status_int = status
    return response
