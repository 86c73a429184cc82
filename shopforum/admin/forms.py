"""The forms that end sessions: what is to be ended, why, and what its owner is told."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pyramid.httpexceptions import HTTPBadRequest
from wtforms import BooleanField, Form, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional, ValidationError

from ..sessions import Reason, Session
from ..sessions.audit import clean
from ..sessions.tokens import as_uuid
from ..settings import SITES, TITLES
from . import words
from .filters import IdField, NetworkField, TextField, options_of

EVERYONE = "everyone"

# How long a standing rule may last, in seconds, and what that is called.
SPANS = {
    "3600": "1 hour",
    "86400": "24 hours",
    "604800": "7 days",
    "2592000": "30 days",
    "31536000": "a year",
}
DAY = "86400"


@dataclass(frozen=True)
class Target:
    """What is named: sessions, a user (on a site), a site, everyone, or the sessions that a filter matches.

    `filter` is the query string of the list, `ip=192.0.2.0%2F24&site=store`: an address or a block is named so, too.
    """

    sessions: tuple[UUID, ...] = ()
    user_id: UUID | None = None
    site: str | None = None
    filter: str | None = None
    everyone: bool = False

    @property
    def whole_site(self) -> bool:
        """Whether it is everything of a site."""
        return self.site is not None and self.user_id is None

    def fields(self) -> dict[str, Any]:
        """The fields of a form or an address that name the same."""
        named = {"session": self.sessions, "user": self.user_id, "site": self.site, "filter": self.filter}
        return {name: value for name, value in named.items() if value}


def target(fields: Any) -> Target:
    """What the fields of a form or an address name. Raises HTTPBadRequest for what is no id and no site."""
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


def actor(admin: Session) -> str:
    """What the trail calls an admin."""
    return admin.user_email or str(admin.user_id)


class _Number(StringField):
    """The number of sessions typed out, where a click is too little; `wanted` is None where it is not."""

    wanted: int | None = None

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        typed = "".join(c for c in clean(self.data or "", 20) if c not in " ,.")
        if self.wanted is not None and typed != str(self.wanted):
            raise ValidationError(f"Type {self.wanted:,}, the number of sessions, to confirm.")


class _Counted(Form):
    number = _Number("Type the number of sessions", render_kw={"autocomplete": "off", "inputmode": "numeric"})


class RevokeForm(_Counted):
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
    include_own = BooleanField("My own session, too")
    block = BooleanField("And refuse what matches from now on")
    span = SelectField("For", choices=options_of(list(SPANS.items())), default=DAY)

    def because(self, admin: Session) -> Reason:
        """The reason, for the heart. One that is no code of ours becomes `other`, with its words in the note."""
        code, note = self.reason.data, self.text.data or ""
        if code not in words.REASONS:
            code, note = "other", f"{code}\n{note}".strip()
        note, message = clean(note, 2200), clean(self.user_text.data or "", 500)
        return Reason("admin", actor(admin), code, admin=note, user=message)


class RuleForm(RevokeForm):
    """A standing rule: whom or what to refuse, for how long, and why."""

    user = IdField("User", 40, description="A user's id, as on their page")
    network = NetworkField("Network", 64, description="Address or CIDR block")
    device = TextField(
        "Device", 100, description="Words as in the list's filter, such as curl or Firefox Linux"
    )
    on_site = SelectField(
        "Site", choices=options_of([("", "All sites"), *((site, TITLES[site]) for site in SITES)]), default=""
    )

    @property
    def named(self) -> dict[str, Any]:
        """What the rule names, as `sessions.rules.Rule` has it."""
        return {
            "user_id": self.user.data or None,
            "network": self.network.data or None,
            "device": self.device.data or "",
            "site": self.on_site.data or None,
        }


class NoteForm(_Counted):
    """A few words for the trail, where no code is needed: why a flag or a quarantine was lifted."""

    text = TextAreaField(
        "What you found",
        [
            DataRequired("Say in a few words what you found."),
            Length(max=2000, message="At most 2,000 characters."),
        ],
        description="For the audit trail; the user never sees it.",
        render_kw={"rows": 2},
    )

    def because(self, admin: Session) -> Reason:
        """The reason, for the heart."""
        return Reason("admin", actor(admin), "harmless", admin=clean(self.text.data or "", 2000))


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
