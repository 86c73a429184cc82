"""The forms that end sessions: what is to be ended, why, and what its owner is told."""

from typing import Any

from pyramid.httpexceptions import HTTPBadRequest
from wtforms import BooleanField, Form, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional, ValidationError

from ..core.sites import SITES, TITLES
from ..core.text import clean
from ..operations import labels
from ..operations.deny_rules import DAY, SPANS
from ..operations.targets import EVERYONE, Target
from ..sessions import Reason, Session
from .form_fields import IdField, NetworkField, TextField, options_of


def target(fields: Any) -> Target:
    """What the fields of a form or an address name. Raises HTTPBadRequest for what is no id and no site."""
    try:
        return Target.parse(
            filter_query=fields.get("filter") or "",
            sessions=[fields["only"]] if fields.get("only") else fields.getall("session"),
            user=fields.get("user") or "",
            site=fields.get("site") or "",
        )
    except ValueError as error:
        raise HTTPBadRequest(str(error)) from None


def actor(admin: Session) -> str:
    """What the trail calls an admin."""
    return admin.actor


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
        choices=options_of([("", "Choose…"), *labels.REASONS.items()]),
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
        if code not in labels.REASONS:
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
