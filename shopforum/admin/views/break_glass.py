"""`/break-glass`: while FusionAuth is away, a code of the admin's authenticator stands in for a fresh password."""

from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from pyramid.response import Response

from ...core.permissions import READ
from ...core.text import clean
from ...mail.outgoing import MailSettings
from ...operations import break_glass
from ...sessions import client_of
from ...web import notes, safe_redirect
from ...web.contributions import Notice
from ...web.request import Request
from ...web.site_config import SiteConfigurator
from ..authenticator_forms import BreakGlassForm
from ..letters import break_glass_used

_PAGE = "shopforum:admin/templates/break_glass.jinja2"
_ANSWERS = "FusionAuth answers, so a code does not count. Enter your password."
# Pages that take the password itself.
_PASSWORD_ONLY = "/authenticator"  # noqa: S105 - a path


def includeme(config: SiteConfigurator) -> None:
    """Register the views and the notice."""
    config.add_notices(
        {
            "break_glass": Notice(
                "info",
                "Your code stood in for the password, for five minutes. The audit log and the dashboard show it.",
            )
        }
    )
    for view, method in ((show, "GET"), (submit, "POST")):
        config.add_view(
            view, route_name="admin_break_glass", request_method=method, renderer=_PAGE, permission=READ
        )


def code_page(request: Request, target: str) -> str | None:
    """Return the page where a code stands in for the password on the way to `target`; None for an admin who has no authenticator,
    for a visitor, and for a page that takes the password itself.
    """
    me = request.identity
    if me is None or urlsplit(target).path.startswith(_PASSWORD_ONLY):
        return None
    ready = break_glass.is_ready(request.db, request.sessions.config.secrets, me.user_id)
    return "/break-glass?" + urlencode({"next": target}) if ready else None


def show(request: Request) -> dict[str, Any]:
    """Show the form. FusionAuth is asked only when a code is given."""
    target = safe_redirect.page(request, request.GET.get("next")) or "/"
    return _page(request, BreakGlassForm(data={"next": target}), target)


def submit(request: Request) -> dict[str, Any] | Response:
    """Accept the code if FusionAuth is away. It is asked first, and no connection to the database is held meanwhile."""
    form = BreakGlassForm(request.POST)
    target = safe_redirect.page(request, form.next.data) or "/"
    if not form.validate():
        request.response.status_int = 422
        return _page(request, form, target)
    if not request.idp.is_away(request.me.user_id):
        request.response.status_int = 409
        form.code.data = ""
        form.form_errors = [_ANSWERS]
        return _page(request, form, target, answers=True)
    me, client = request.me, client_of(request)
    letter = partial(break_glass_used, site=request.site, session=me, actor=me.actor, client=client)
    try:
        break_glass.use(
            request.db,
            request.sessions.config.secrets,
            me,
            form.code.data,
            client,
            letter if request.services.get(MailSettings).on else None,
            {"path": clean(urlsplit(target).path, 200)},
        )
    except break_glass.CodeRefused as refusal:
        form.refuse(refusal, request.response)
        return _page(request, form, target)
    # The session may do more than before (ASVS 5.0 7.2.4).
    request.sessions.replace_id(me)
    return notes.see_other(request, safe_redirect.with_notice(target, "break_glass"))


def _page(request: Request, form: BreakGlassForm, target: str, *, answers: bool = False) -> dict[str, Any]:
    """Return the variables of the page. `answers`: FusionAuth was found to answer."""
    return {
        "form": form,
        "ready": break_glass.is_ready(request.db, request.sessions.config.secrets, request.me.user_id),
        "login_url": "/login?" + urlencode({"next": target, "why": "fresh"}),
        "answers": answers,
        "mail": request.services.get(MailSettings).on,
    }
