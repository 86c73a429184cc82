"""The forms that end sessions: what is to be ended, why, and what its owner is told."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pyramid.httpexceptions import HTTPBadRequest
from pyramid.request import Request
from wtforms import BooleanField, Form, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional, ValidationError

from ..sessions import Reason, Session
from ..sessions.audit import clean
from ..sessions.tokens import as_uuid
from ..settings import SITES, TITLES
from . import words
from .filters import options_of

EVERYONE = "everyone"


@dataclass(frozen=True)
class Target:
    """What a form names: sessions, a user (on a site), a site, or the sessions that a filter matches."""

    sessions: tuple[UUID, ...] = ()
    user_id: UUID | None = None
    site: str | None = None
    filter: str | None = None

    @property
    def whole_site(self) -> bool:
        """Whether it is everything of a site."""
        return self.site is not None and self.user_id is None


def target(request: Request) -> Target:
    """What the request's form names. Raises HTTPBadRequest for what is no id and no site."""
    fields = request.POST
    if fields.get("filter"):
        return Target(filter=fields["filter"])
    ids = [fields["only"]] if fields.get("only") else fields.getall("session")
    if ids:
        return Target(sessions=tuple(dict.fromkeys(_id(text, "session") for text in ids)))
    site = fields.get("site") or None
    if site is not None and site not in SITES:
        raise HTTPBadRequest("There is no such site.")
    return Target(user_id=_id(fields["user"], "user") if fields.get("user") else None, site=site)


def _id(text: str, what: str) -> UUID:
    found = as_uuid(text.strip())
    if found is None:
        raise HTTPBadRequest(f"The form names a {what} by something that is no id.")
    return found


class RevokeForm(Form):
    """Why, in a code and in words."""

    reason = SelectField(
        "Reason",
        [DataRequired("Reason: choose one."), Length(max=200, message="Reason: at most 200 characters.")],
        choices=options_of([("", "Choose…"), *words.REASONS.items()]),
        # A reason in words of one's own is as good as a code; see `because`.
        validate_choice=False,
    )
    text = TextAreaField(
        "Note for admins",
        [Optional(), Length(max=2000, message="Note: at most 2,000 characters.")],
        description="A ticket, what was seen, who asked. The user never sees it.",
        render_kw={"rows": 2},
    )
    user_text = TextAreaField(
        "Message to the user",
        [Optional(), Length(max=500, message="Message: at most 500 characters.")],
        description="Shown with the reason that the session has ended.",
        render_kw={"rows": 2},
    )
    include_own = BooleanField("End my own session, too")

    def because(self, admin: Session) -> Reason:
        """The reason, for the heart. One that is no code of ours becomes `other`, with its words in the note."""
        code, note = self.reason.data, self.text.data or ""
        if code not in words.REASONS:
            code, note = "other", f"{code}\n{note}".strip()
        actor = admin.user_email or str(admin.user_id)
        return Reason(
            "admin", actor, code, admin=clean(note, 2200), user=clean(self.user_text.data or "", 500)
        )


class EveryoneForm(RevokeForm):
    """Everyone's sessions, or all of a site."""

    site = SelectField(
        "Whose",
        choices=options_of(
            [("", "Everyone's, on all sites"), *((site, f"All of {TITLES[site]}") for site in SITES)]
        ),
        default="",
    )
    word = StringField(
        "Type the word", render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
    )

    def validate_word(self, field: Any) -> None:
        """The word is `everyone`, or the name of the site."""
        wanted = self.site.data or EVERYONE
        if clean(field.data or "", 40).casefold() != wanted:
            raise ValidationError(f"Type the word {wanted} to confirm.")
