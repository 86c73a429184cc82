"""Why somebody stands before the login page, in words: those of this table, and what an admin wrote for the user."""

from dataclasses import replace

from sqlalchemy import text

from ..core.database import Database
from ..core.ids import parse_uuid
from ..web.contributions import Notice

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
    "quarantined": Notice(
        "warning",
        "To be safe, give your password again to go on. Nothing is lost: everything is as you left it.",
    ),
    "blocked": Notice("warning", "This session cannot be used from here just now. Ask support why."),
    "account_closed": Notice("warning", "This account has been closed. Ask support why."),
    "reported": Notice(
        "warning",
        "This device was reported as not its owner's, and signed out. If you are the owner, log in again.",
    ),
    "evicted": Notice("info", "You were signed in on too many devices, and this one was idle the longest."),
    "revoked_at_provider": Notice(
        "info", "This login was ended by our login service. Log in again to go on."
    ),
    "password_changed": Notice("info", "Your password was changed. Log in with the new one to go on."),
    "account_locked": Notice("warning", "This account was locked. Ask support why."),
    "account_deleted": Notice("warning", "This account was deleted."),
    "role_removed": Notice("info", "What you may do here has changed. Log in again to go on."),
    "registration_removed": Notice("warning", "This account is not registered here any more."),
    "challenge": Notice("warning", "The code came too late for this login. Log in again for a new one."),
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


# Why a login is refused. One text for an unknown address, a wrong password and a locked account: FusionAuth tells some of
# them apart without the right password, we do not. The other texts are for who gave the right one.
REFUSALS = {
    "credentials": "The e-mail address or the password is not right. Check both and try again.",
    "unregistered": "Your password is right, but this account is not registered here. Ask support to add it.",
    "password_change": "Your password is right, but it has to be changed before you can log in. "
    "Follow “Forgot your password?” below, then come back.",
    "unverified": "Your password is right, but your e-mail address is not confirmed yet. "
    "Follow the link in the message we sent you, then log in.",
    "restricted": "This account may not log in here just now. Your password is not the reason: ask support what is.",
    "no_second_factor": "Your password is right, but this account needs a second step, such as a code from an app, and "
    "none is set up yet. Ask support to set one up, then log in.",
    "blocked": "Your password is right, but logging in is blocked for this account just now. Ask support why.",
    "no_access": "Your password is right, but this account has no access to the console. Ask an owner for a role.",
}

_MESSAGE = text("SELECT reason_code, reason_user FROM revocations WHERE id = :id")


def notice(db: Database, code: str | None, reference: str | None = None) -> Notice | None:
    """The notice for a code, from a link anybody may have made: None for a code that is not in the table.

    `reference` is the id of a revocation, known to whom it ended: the notice then ends with what the admin wrote for
    the user. One statement, and only with a reference.
    """
    found = _NOTICES.get((code or "").replace("-", "_"))
    revocation_id = parse_uuid(reference)
    if found is None or revocation_id is None:
        return found
    row = db.one(_MESSAGE, id=revocation_id)
    if row is None:
        return found
    # A session behind a gate is only known to be revoked; the act itself says more.
    found = _NOTICES.get(row["reason_code"], found)
    return replace(found, text=f"{found.text} {row['reason_user']}") if row["reason_user"] else found
