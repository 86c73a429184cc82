"""The forums' forms. Typed text is kept, except for line ends, outer space and invisible characters."""

import unicodedata
from typing import Any

from wtforms import Form, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional, ValidationError

from ..core.markdown import MAX_LENGTH
from .letters import PERIODS as LETTER_PERIODS
from .reports import REASONS
from .search import PERIODS

# Joiners are part of words and emoji. Any other invisible character could make a title look like another one.
_JOINERS = "\u200c\u200d"


def line(value: Any) -> str:
    """Return a text as one line without invisible characters. A missing field counts as empty."""
    if not isinstance(value, str):
        return ""
    spaced = " ".join(value.split())
    seen = [c for c in spaced if c in _JOINERS or unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs")]
    return "".join(seen).strip() if any(c not in _JOINERS for c in seen) else ""


def _body(value: Any) -> str:
    """Return a text of several lines, or "" if all of it is invisible. Spaces before its first line are code in Markdown."""
    if not isinstance(value, str) or not line(value):
        return ""
    return value.replace("\r\n", "\n").replace("\r", "\n").strip("\n").rstrip()


def _body_field(label: str) -> TextAreaField:
    return TextAreaField(
        label,
        [
            DataRequired("Write something first."),
            Length(max=MAX_LENGTH, message=f"This is too long: at most {MAX_LENGTH:,} characters."),
        ],
        filters=[_body],
        description="You can use Markdown: *emphasis*, **strong**, lists, > quotations and `code`, and @handle to mention somebody.",
        render_kw={"rows": "8", "dir": "auto", "data-markdown": True},
    )


def _reason_field(label: str, needed: str | None = None) -> StringField:
    length = Length(max=300, message="This is too long: at most 300 characters.")
    return StringField(
        label,
        [DataRequired(needed) if needed else Optional(), length],
        filters=[line],
        render_kw={"maxlength": "300", "autocomplete": "off"},
    )


class ReplyForm(Form):
    """A reply in a topic."""

    body = _body_field("Your reply")


def _weight(words: str) -> int:
    """Return how much a text says: a wide character, as in Chinese or Korean, is a syllable or a word and counts two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in words)


class Says:
    """A validator: a text must say enough. `least` is in Latin letters (`_weight`), `most` in characters."""

    def __init__(self, least: int, most: int, message: str) -> None:
        self._least, self._most, self._message = least, most, message

    def __call__(self, form: Form, field: Any) -> None:
        """Raise ValidationError if the text is too short or too long."""
        if _weight(field.data or "") < self._least or len(field.data or "") > self._most:
            raise ValidationError(self._message)


class TopicForm(Form):
    """A new topic with its first post."""

    title = StringField(
        "Title",
        [
            DataRequired("Give your topic a title."),
            Says(3, 120, "A title has 3 to 120 characters."),
        ],
        filters=[line],
        render_kw={"maxlength": "120", "autocomplete": "off", "dir": "auto"},
    )
    body = _body_field("Text")


class EditForm(Form):
    """An edit of a post. `seen` is the number of edits when the form was made."""

    body = _body_field("Text")
    reason = _reason_field("Reason for the change")
    seen = HiddenField()


class ReportForm(Form):
    """A report to the moderators."""

    reason = RadioField(
        "What is wrong with it?",
        [DataRequired("Choose what is wrong with it.")],
        choices=REASONS,
    )
    text = _reason_field("Anything the moderators should know")


class ModerateForm(Form):
    """An act of a moderator. The caller sets the choices."""

    act = RadioField("What to do", [DataRequired("Choose what to do.")], choices={})
    reason = _reason_field(
        "Reason, for the author and the public log", "Give a reason: the author will see it."
    )


class ModerateTopicForm(ModerateForm):
    """An act on a topic, which can also be moved."""

    category = SelectField("New category, if you move it", choices={})

    def validate_category(self, field: SelectField) -> None:
        """Refuse to move a topic to its own category, which is the field's default."""
        if self.act.data == "move" and field.data == field.object_data:
            raise ValidationError("The topic is in this category already: choose another.")


class CategoryForm(Form):
    """The name and the description of a category."""

    name = StringField(
        "Name",
        [DataRequired("Enter a name."), Says(2, 60, "A name has 2 to 60 characters.")],
        filters=[line],
        render_kw={"maxlength": "60", "autocomplete": "off"},
    )
    description = StringField(
        "Description",
        [Optional(), Length(max=200, message="This is too long: at most 200 characters.")],
        filters=[line],
        render_kw={"maxlength": "200", "autocomplete": "off"},
    )


class SearchForm(Form):
    """A search. Every field may be empty."""

    q = StringField("Words", filters=[line], render_kw={"type": "search", "maxlength": "200"})
    category = SelectField("Category", choices={})
    author = StringField("Written by", filters=[line], render_kw={"maxlength": "100", "autocomplete": "off"})
    within = SelectField(
        "When", choices={"": "At any time", **{name: f"In the last {name}" for name in PERIODS}}
    )


class NotificationsForm(Form):
    """The choice of how often letters about the inbox may come."""

    every = RadioField(
        "Write to me",
        [DataRequired("Choose how often we may write.")],
        choices={"never": "Never", **LETTER_PERIODS},
    )
