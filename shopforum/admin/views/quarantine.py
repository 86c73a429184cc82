"""`/sessions/quarantine` and `/sessions/release`: ask sessions for the password before they are served again, or stop asking.

GET shows the sessions, POST acts.
"""

from typing import Any
from uuid import UUID

from pyramid.httpexceptions import HTTPSeeOther

from ...core.permissions import REVOKE
from ...operations import approvals
from ...operations.approvals import Kind
from ...operations.plans import Plan
from ...sessions import client_of
from ...web import notes
from ...web.contributions import Notice
from ...web.request import Request
from ...web.site_config import SiteConfigurator
from .. import forms
from ..forms import NoteForm, RevokeForm
from . import confirming
from .confirming import QUARANTINE, RELEASE, Verb

_FORMS: dict[str, Any] = {QUARANTINE.name: RevokeForm, RELEASE.name: NoteForm}


def includeme(config: SiteConfigurator) -> None:
    """Register the views and their notices."""
    config.add_notices(
        {
            "quarantined": Notice(
                "success", "In quarantine: nothing is served there until the password is given again."
            ),
            "released": Notice("success", "Released: sessions go on as before."),
            "nothing_to_do": Notice("info", "The sessions were in that state already. Nothing was changed."),
        }
    )
    for route, verb in (("admin_quarantine", QUARANTINE), ("admin_release", RELEASE)):
        for view, method in ((_ask(verb), "GET"), (_act(verb), "POST")):
            config.add_view(
                view,
                route_name=route,
                request_method=method,
                permission=REVOKE,
                renderer=confirming.TEMPLATE,
            )


def _ask(verb: Verb) -> Any:
    def ask(request: Request) -> Any:
        """Show the sessions."""
        plan = confirming.plan(request, forms.target(request.typed or request.GET), verb)
        return confirming.page(request, _FORMS[verb.name](request.typed), plan, verb)

    return ask


def _act(verb: Verb) -> Any:
    def act(request: Request) -> Any:
        """Carry the plan out. A plan that was not confirmed, or has changed, is shown first."""
        target = forms.target(request.POST)
        elsewhere = confirming.asked_first(request, target, verb)
        if elsewhere:
            return elsewhere
        form, plan = _FORMS[verb.name](request.POST), confirming.plan(request, target, verb)
        if plan.problem or not (
            confirming.confirmed(request, target, plan) or (form.text.data and not plan.grave)
        ):
            return confirming.page(request, form, plan, verb)
        if plan.empty:
            return _done(request, plan, target.sessions, "nothing_to_do")
        confirming.want_number(form, plan)
        if not form.validate():
            return confirming.page(request, form, plan, verb, 422)
        if not confirming.unchanged(request, form, plan):
            return confirming.page(request, form, plan, verb, 409)
        return _carry_out(request, form, plan, verb)

    return act


def _carry_out(request: Request, form: Any, plan: Plan, verb: Verb) -> HTTPSeeOther:
    """Quarantine or release the sessions, without the admin's own: the admin can log out."""
    ids = [i for i in plan.ids if i != request.me.id]
    put, notice = (
        (request.sessions.quarantine, "quarantined")
        if verb is QUARANTINE
        else (request.sessions.release, "released")
    )
    reason, kind = form.because(request.me), Kind.QUARANTINE if verb is QUARANTINE else Kind.RELEASE
    act = approvals.ending(kind, plan, reason, own=request.me.id)
    with confirming.within_authority(request, act) as limit:
        count = put(ids, reason, client_of(request), limit)
    return _done(request, plan, ids, notice if count else "nothing_to_do")


def _done(request: Request, plan: Plan, ids: Any, notice: str) -> HTTPSeeOther:
    """Redirect to the one session, or to all sessions in quarantine."""
    chosen: list[UUID] = list(ids)
    one = len(chosen) == 1 and not plan.filter
    path = f"/sessions/{chosen[0]}?" if one else "/sessions?flag=quarantined&"
    return notes.see_other(request, f"{path}notice={notice}")
