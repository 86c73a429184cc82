"""`/tokens`: list, create and revoke API tokens. Only owners see this page; a new token is shown once."""

from typing import Any
from uuid import UUID

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from wtforms import Form, IntegerField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, NumberRange, Optional, Regexp
from wtforms.widgets import CheckboxInput

from ...api_tokens import tokens
from ...api_tokens.tokens import Actor, TokenRow
from ...core.permissions import TOKENS
from ...sessions import client_of
from ...web import notes
from ...web.contributions import Notice
from ...web.request import Request
from ...web.site_config import SiteConfigurator
from .. import forms
from ..form_fields import options_of
from .confirming import FRESH

_PAGE = "shopforum:admin/templates/tokens.jinja2"


class TokenForm(Form):
    """A new token."""

    name = StringField(
        "Name",
        [
            DataRequired("Name: say which program uses the token."),
            Regexp(tokens.NAME.pattern + "$", message=f"Name: {tokens.NAME_HINT}"),
        ],
        description="The program that uses it. The audit log names it token:NAME.",
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )
    scopes = SelectMultipleField(
        "Scopes",
        [DataRequired("Choose at least one scope.")],
        choices=options_of(list(tokens.SCOPES.items())),
        option_widget=CheckboxInput(),
    )
    days = IntegerField(
        "Days until it expires",
        [Optional(), NumberRange(1, tokens.MOST_DAYS, f"Days: from 1 to {tokens.MOST_DAYS:,}, or empty.")],
        default=tokens.DAYS,
        description=f"{tokens.DAYS} if you leave it empty. A token that is unused for {tokens.UNUSED_DAYS} days expires sooner.",
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )


def includeme(config: SiteConfigurator) -> None:
    """The views."""
    config.add_notices(
        {
            "token_revoked": Notice("success", "The token is revoked. Its next call is refused."),
            "tokens_revoked": Notice(
                "success", "The tokens that this user made are revoked. Their next calls are refused."
            ),
        }
    )
    config.add_repeatable_field("scopes")
    for view, name, method, renderer in (
        (show, "admin_tokens", "GET", _PAGE),
        (create, "admin_tokens", "POST", _PAGE),
        (revoke, "admin_token_revoke", "POST", None),
        (revoke_made_by, "admin_user_tokens", "POST", None),
    ):
        config.add_view(
            view,
            route_name=name,
            request_method=method,
            renderer=renderer,
            permission=TOKENS,
            fresh_login=FRESH,
        )


def show(request: Request) -> dict[str, Any]:
    """Show the list, and the form for a new token."""
    return {"form": TokenForm(request.typed), "tokens": _listed(request), "made": None}


def create(request: Request) -> dict[str, Any]:
    """Create a token and show it. There is no redirect: nothing keeps the token until another request."""
    form = TokenForm(request.POST)
    made = None
    if form.validate():
        keys = request.sessions.config.secrets
        _, made = tokens.create(
            request.db, keys, form.name.data, form.scopes.data, form.days.data or None, _actor(request)
        )
        form = TokenForm()
    else:
        request.response.status_int = 422
    return {"form": form, "tokens": _listed(request), "made": made}


def revoke(request: Request) -> Response:
    """Revoke a token. A revoked token stays as it is."""
    token_id = request.matched_id
    if all(row.id != token_id for row in _listed(request)):
        raise HTTPNotFound
    tokens.revoke(request.db, _actor(request), token_id=token_id)
    return notes.see_other(request, "/tokens?notice=token_revoked")


def revoke_made_by(request: Request) -> Response:
    """Revoke all tokens that a user made, and go back to the user's page."""
    maker_id = request.matched_id
    if not _listed(request, maker_id):
        raise HTTPNotFound
    tokens.revoke(request.db, _actor(request), maker_id=maker_id)
    return notes.see_other(request, f"/users/{maker_id}?notice=tokens_revoked")


def _listed(request: Request, maker_id: UUID | None = None) -> list[TokenRow]:
    return tokens.listed(request.db, request.sessions.config.secrets, maker_id)


def _actor(request: Request) -> Actor:
    me = request.me
    return Actor(forms.actor(me), client_of(request), user_id=me.user_id)
