"""Why somebody stands before the login page, in words: those of this table, and what an admin wrote for the user."""

from dataclasses import replace

from sqlalchemy import text

from ..sessions.database import Database
from ..sessions.tokens import as_uuid
from ..web.templating import Notice

_ADMIN = Notice("warning", "A security admin ended this session. Log in again to go on.")

_NOTICES = {
    "expired": Notice("info", "You were away for a while. Log in again to go on."),
    "refresh_refused": Notice("info", "Your login has expired. Log in again to go on."),
    "logout": Notice("info", "You logged out, perhaps in another tab. Log in again to go on."),
    "superseded": Notice("info", "You logged in again meanwhile, and this session was closed."),
    "replayed": Notice(
        "warning",
        "This session was used from two places, so we ended it to protect you. "
        "If you do not know why, change your password after you log in.",
    ),
    "identity_mismatch": Notice("warning", "We ended this session to be safe. Log in again to go on."),
    "signed_out_elsewhere": Notice("info", "You signed this device out from another one."),
    "challenge": Notice("warning", "The code came too late for this login. Log in again for a new one."),
    "refused": Notice("warning", "This account cannot log in here just now. Ask support why."),
    "fresh": Notice("info", "Give your password again to go on: what comes next needs it to be recent."),
    **dict.fromkeys(
        (
            "revoked",
            "stolen_device",
            "suspected_theft",
            "user_request",
            "off_boarding",
            "offboarding",
            "incident",
            "test",
            "other",
        ),
        _ADMIN,
    ),
}


_MESSAGE = text("SELECT reason_user FROM revocations WHERE id = :id AND reason_user <> ''")


def notice(db: Database, code: str | None, reference: str | None = None) -> Notice | None:
    """The notice for a code, from a link anybody may have made: None for a code that is not in the table.

    `reference` is the id of a revocation, known to whom it ended: the notice then ends with what the admin wrote for
    the user. One statement, and only with a reference.
    """
    found = _NOTICES.get((code or "").replace("-", "_"))
    revocation_id = as_uuid(reference)
    if found is None or revocation_id is None:
        return found
    row = db.one(_MESSAGE, id=revocation_id)
    return found if row is None else replace(found, text=f"{found.text} {row['reason_user']}")
