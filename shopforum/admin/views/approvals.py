"""`/approvals`: acts that reach far and wait for a second owner. `/approvals/{id}` shows one as it would be carried out now; its form
approves, refuses or withdraws it.
"""

from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPNotFound
from pyramid.response import Response

from ...api_tokens import tokens
from ...core.ids import parse_uuid
from ...core.permissions import REVOKE_ALL
from ...operations import approvals, approving
from ...operations.approvals import Approval
from ...operations.approving import AskerLostRight, NotWaiting
from ...sessions import ShutOut, client_of
from ...web import notes
from ...web.contributions import Notice
from ...web.request import Request
from ...web.site_config import SiteConfigurator
from ..lists import page
from .confirming import may_revoke_all, need_fresh, two_people

_LIST = "shopforum:admin/templates/approvals.jinja2"
_PAGE = "shopforum:admin/templates/approval.jinja2"
_SHUT_OUT = "A rule would refuse the owner who asked, too. Nothing was changed: refuse the request, and ask for a narrower rule."


_LOST = "{} Nothing was changed, and nobody can approve this: refuse it. If it is still needed, ask again."


def includeme(config: SiteConfigurator) -> None:
    """Register the views and their notices."""
    config.add_notices(
        {
            "approval_asked": Notice(
                "info", "Nothing was changed yet: this reaches far, so a second owner has to approve it."
            ),
            "approval_given": Notice("success", "Approved, and done."),
            "approval_refused": Notice("success", "Refused: nothing was changed."),
            "approval_withdrawn": Notice("success", "Withdrawn: nothing was changed."),
            "approval_over": Notice(
                "info", "It was decided or expired before your answer arrived. You changed nothing."
            ),
        }
    )
    config.add_view(listed, route_name="admin_approvals", request_method="GET", renderer=_LIST)
    config.add_view(show, route_name="admin_approval", request_method="GET", renderer=_PAGE)
    config.add_view(
        decide, route_name="admin_approval", request_method="POST", renderer=_PAGE, permission=REVOKE_ALL
    )


def listed(request: Request) -> dict[str, Any]:
    """List the requests, newest first."""
    return {"page": page(request, approvals.APPROVALS, size=30), "two_people": two_people(request).required}


def show(request: Request) -> dict[str, Any]:
    """Show a request, and what it would do now."""
    return _page(request, _approval(request))


def decide(request: Request) -> dict[str, Any] | Response:
    """Approve the request and carry it out, or refuse it, or withdraw it where it is the owner's own."""
    found, me = _approval(request), request.me
    client, home = client_of(request), f"/approvals/{found.id}"
    decision = request.POST.get("decision")
    if decision not in ("approve", "refuse", "withdraw"):
        raise HTTPBadRequest("The form does not say whether to approve or to refuse.")
    try:
        if decision != "approve":
            outcome = approving.refuse(request.db, found, me, client)
            return notes.see_other(request, f"{home}?notice=approval_{outcome}")
        need_fresh(request)
        revocation_id = approving.approve(
            request.sessions, request.read_db, found, me, client, tokens.why_refused
        )
    except NotWaiting:
        return notes.see_other(request, f"{home}?notice=approval_over")
    except AskerLostRight as error:
        request.response.status_int = 409
        return {**_page(request, found), "error": _LOST.format(error)}
    except ShutOut:
        request.response.status_int = 409
        return {**_page(request, found), "error": _SHUT_OUT}
    target = f"/revocations/{revocation_id}" if revocation_id else home
    return notes.see_other(request, f"{target}?notice=approval_given")


def _approval(request: Request) -> Approval:
    approval_id = parse_uuid(request.matchdict["id"])
    found = approvals.one(request.read_db, approval_id) if approval_id else None
    if found is None:
        raise HTTPNotFound
    return found


def _page(request: Request, found: Approval) -> dict[str, Any]:
    """Return the variables of a request's page. While the request waits, they include what the act would reach now."""
    waits = found.state == approvals.WAITING
    return {
        "row": found,
        "now": approving.view(request.read_db, found, request.me.id) if waits else None,
        "lost": approving.right_lost(request.db, found, tokens.why_refused) if waits else "",
        "own": found.user_id == request.me.user_id,
        "may_decide": waits and may_revoke_all(request),
        "error": "",
    }
