"""Why the API ends something, for the heart: the reason of the body, and the token as the one who acts."""

from collections.abc import Mapping

from ..core.text import clean
from ..sessions import Reason
from . import labels


def because(actor: str, given: Mapping[str, str]) -> Reason:
    """`given` has `code`, perhaps `text` and `user_text`. A code that is none of ours becomes `other`, with its words
    in the note, as on the console.
    """
    code, note = given["code"], given.get("text", "")
    if code not in labels.REASONS:
        code, note = "other", f"{code}\n{note}".strip()
    return Reason("admin", actor, code, admin=clean(note, 2200), user=clean(given.get("user_text", ""), 500))
