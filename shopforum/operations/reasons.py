"""The reason of an act from what somebody wrote: a code of the list, or words of their own."""

from ..core.text import clean
from ..sessions import Reason
from ..sessions.vocabulary import InitiatingEntity
from . import labels

# Characters of the two texts that are kept.
_NOTE, _MESSAGE = 2200, 500


def reason(actor: str, code: str, note: str = "", message: str = "") -> Reason:
    """Return the reason of an act by `actor`: a `code`, a `note` for admins and a `message` to the user.

    A code that is not in `labels.REASONS` becomes `other`, with its text at the beginning of the note.
    """
    if code not in labels.REASONS:
        code, note = labels.OTHER, f"{code}\n{note}".strip()
    return Reason(
        InitiatingEntity.ADMIN, actor, code, admin=clean(note, _NOTE), user=clean(message, _MESSAGE)
    )
