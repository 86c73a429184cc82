"""The page with the login form, empty or with errors."""

from typing import Any

from pyramid.renderers import render_to_response
from pyramid.response import Response

from ..core.sites import ADMIN
from ..idp import LoginRefused
from ..web.request import Request
from ..web.services import PasswordPage, PendingDeletion
from . import form_pages, new_password, passkey_user, reasons
from .forms import LoginForm
from .settings import LoginSettings, second_factor_url

_TEMPLATE = "shopforum:login/templates/login.jinja2"


def page(request: Request, form: LoginForm, status: int, **values: Any) -> Response:
    """Return the login page. For a signed-in person it is the page that asks for the password again.

    `alternative`: label and address of a way on without a login, or None. `second_factor_url`: where to set up a second factor, for a person who needs one and has none. `away_help`: what to do
    while the password cannot be checked.
    """
    alternatives = request.services.login_alternatives
    alternative = alternatives.get((form.next.data or "").partition("?")[0])
    settings, customers = request.services.get(LoginSettings), request.site.name != ADMIN
    passkeys = settings.passkeys and customers
    response = render_to_response(
        _TEMPLATE,
        {
            "form": form,
            "password_url": request.services.get(PasswordPage).url,
            "second_factor_url": None,
            "away_help": None,
            "alternative": alternative(request) if alternative and not request.identity else None,
            "mail_code": settings.mail_codes and customers,
            "passkey": passkeys,
            "passkey_known": passkeys and passkey_user.read(request) is not None,
            "sign_up": customers and not request.identity,
            **values,
        },
        request=request,
    )
    response.status_int = status
    return response


def refused(
    request: Request, form: LoginForm, status: int, text: str, retry_after: int | None = None, **values: Any
) -> Response:
    """Return the login page with the reason of a refusal. It keeps the e-mail address, not the password."""
    return form_pages.refused(form, text, lambda: page(request, form, status, **values), retry_after)


def refused_by_provider(
    request: Request, form: LoginForm, refusal: LoginRefused, proof: str = "password"
) -> Response:
    """Return the login page with the provider's refusal, and with a way on where there is one. `proof` is Attempt's."""
    if refusal.kind == "password_change" and refusal.change_password_id and request.site.name != ADMIN:
        return new_password.begin(request, refusal.change_password_id)
    if refusal.kind == "closing" and refusal.user_id is not None:
        return request.services.get(PendingDeletion).begin(request, refusal.user_id)
    values: dict[str, Any] = {}
    if refusal.kind == "no_second_factor":
        settings, idp = request.services.get(LoginSettings), request.services.idp_settings
        values["second_factor_url"] = second_factor_url(settings, idp)
    return refused(request, form, 422, reasons.refusal(refusal, proof), **values)
