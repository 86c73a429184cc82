"""The forms that end sessions: the target, the reason, and the message to the user."""

from typing import Any

from pyramid.httpexceptions import HTTPBadRequest
from wtforms import BooleanField, Form, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, NumberRange, Optional, ValidationError

from ..core.sites import SITES, TITLES
from ..core.text import clean
from ..operations import labels, reasons
from ..operations.deny_rules import DAY, SPANS
from ..operations.targets import EVERYONE, Target
from ..sessions import Reason, Session
from ..sessions.vocabulary import EndReason, InitiatingEntity
from .form_fields import IdField, NetworkField, TextField, options_of


def target(fields: Any) -> Target:
    """Read the target of a form or a URL. Raises HTTPBadRequest where something is not an id or not a site."""
    try:
        return Target.parse(
            filter_query=fields.get("filter") or "",
            sessions=[fields["only"]] if fields.get("only") else fields.getall("session"),
            user=fields.get("user") or "",
            keep=fields.get("keep") or "",
            site=fields.get("site") or "",
        )
    except ValueError as error:
        raise HTTPBadRequest(str(error)) from None


def actor(admin: Session) -> str:
    """Return the name of an admin in the audit log."""
    return admin.actor


class _Number(StringField):
    """The number of sessions, typed out to confirm a large act. `wanted` is None where no number has to be typed."""

    wanted: int | None = None

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        typed = "".join(c for c in clean(self.data or "", 20) if c not in " ,.")
        if self.wanted is not None and typed != str(self.wanted):
            raise ValidationError(f"Type {self.wanted:,}, the number of sessions, to confirm.")


class _Counted(Form):
    """The confirmation of an act. `shown` is the number of sessions that the page has shown, the one that is confirmed."""

    shown = IntegerField(validators=[Optional(), NumberRange(0, 10**9)])
    number = _Number("Type the number of sessions", render_kw={"autocomplete": "off", "inputmode": "numeric"})
    joined = BooleanField("Include sessions that come to match before I confirm")


class RevokeForm(_Counted):
    """The reason for ending sessions: a code, a note and a message."""

    reason = SelectField(
        "Reason",
        [DataRequired("Reason: choose one."), Length(max=200, message="Reason: at most 200 characters.")],
        choices=options_of([("", "Choose…"), *labels.REASONS.items()]),
        # A reason in free text is accepted, too; see `operations.reasons`.
        validate_choice=False,
    )
    text = TextAreaField(
        "Note for admins",
        [Optional(), Length(max=2000, message="Note: at most 2,000 characters.")],
        description="Name the ticket, the evidence, or who asked. The user never sees it.",
        render_kw={"rows": 2},
    )
    user_text = TextAreaField(
        "Message to the user",
        [Optional(), Length(max=500, message="Message: at most 500 characters.")],
        description="Shown on the login page after the session has ended.",
        render_kw={"rows": 2},
    )
    include_own = BooleanField("End my own session, too")
    block = BooleanField("Also refuse what matches from now on")
    span = SelectField("For", choices=options_of(list(SPANS.items())), default=DAY)

    def because(self, admin: Session) -> Reason:
        """Return the reason of the act, with the admin as its actor."""
        return reasons.reason(actor(admin), self.reason.data, self.text.data or "", self.user_text.data or "")


class RuleForm(RevokeForm):
    """A deny rule: whom to refuse, for how long, and why."""

    user = IdField("User", 40, description="A user's id, from the user's page")
    network = NetworkField("Network", 64, description="Address or CIDR block")
    device = TextField("Device", 100, description="Words of a browser's name, such as curl or Firefox Linux")
    on_site = SelectField(
        "Site", choices=options_of([("", "All sites"), *((site, TITLES[site]) for site in SITES)]), default=""
    )

    @property
    def named(self) -> dict[str, Any]:
        """The fields of the rule, as `sessions.deny_rules.Rule` takes them."""
        return {
            "user_id": self.user.data or None,
            "network": self.network.data or None,
            "device": self.device.data or "",
            "site": self.on_site.data or None,
        }


class IncidentForm(Form):
    """A new incident; the filter is a form of its own."""

    name = TextField("Name", 120, description="What happened, in a few words")
    ticket = TextField("Ticket", 120)
    reason = SelectField(
        "Reason",
        choices=options_of(list(labels.REASONS.items())),
        default="incident",
    )
    user_text = TextAreaField(
        "Message to the users",
        [Optional(), Length(max=500, message="Message: at most 500 characters.")],
        description="Shown on the login page after their sessions have ended, and in the list of people to notify.",
        render_kw={"rows": 2},
    )

    def validate_name(self, field: Any) -> None:
        """Check that there is a name."""
        if not field.data:
            raise ValidationError("Name: say what happened, in a few words.")


class ContainForm(_Counted):
    """Contain an incident."""

    span = SelectField("Refuse for", choices=options_of(list(SPANS.items())), default=DAY)
    # The digest of the filters that the page has shown.
    filters = StringField()


class CloseForm(Form):
    """A note, which may be empty."""

    text = TextAreaField(
        "Note", [Optional(), Length(max=2000, message="At most 2,000 characters.")], render_kw={"rows": 2}
    )


class NoteForm(_Counted):
    """A note for the audit log, without a code: why a flag was dismissed, or a quarantine or a rule lifted."""

    text = TextAreaField(
        "What you found",
        [
            DataRequired("Say in a few words what you found."),
            Length(max=2000, message="At most 2,000 characters."),
        ],
        description="For the audit log; the user never sees it.",
        render_kw={"rows": 2},
    )

    def because(self, admin: Session) -> Reason:
        """Return the reason of the act, with the admin as its actor."""
        note = clean(self.text.data or "", 2000)
        return Reason(InitiatingEntity.ADMIN, actor(admin), EndReason.HARMLESS, admin=note)


class DismissForm(NoteForm):
    """The form that dismisses flags, with a reason; `own` limits it to flags from the session's own address and browser."""

    own = BooleanField("Only those from their own address and browser")


class EveryoneForm(RevokeForm):
    """End everyone's sessions, or all of a site."""

    site = SelectField(
        "Sessions to end",
        choices=options_of(
            [("", "Everyone's, on all sites"), *((site, f"All of {TITLES[site]}") for site in SITES)]
        ),
        default="",
    )
    word = StringField(
        "Type the word", render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
    )

    def validate_word(self, field: Any) -> None:
        """Check that the word is `everyone`, or the name of the site."""
        wanted = self.site.data or EVERYONE
        if clean(field.data or "", 40).casefold() != wanted:
            raise ValidationError(f"Type the word {wanted} to confirm.")
