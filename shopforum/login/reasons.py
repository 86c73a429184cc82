"""The notices of the login page: why a session has ended, why a login is refused, and an admin's text for the user."""

from dataclasses import replace

from sqlalchemy import text

from ..core.database import Database
from ..core.ids import parse_uuid
from ..idp import LoginRefused
from ..sessions.vocabulary import EndReason, Withheld
from ..web.contributions import Notice

_AGAIN = "Enter your password again to continue. Nothing is lost: everything is as you left it."

_ADMIN = Notice("warning", "A security admin ended this session. Log in again to continue.")

_NOTICES = {
    "expired": Notice("info", "You were away for a while. Log in again to continue."),
    EndReason.REFRESH_REFUSED: Notice("info", "Your login has expired. Log in again to continue."),
    EndReason.LOGOUT: Notice("info", "You logged out, perhaps in another tab. Log in again to continue."),
    EndReason.SUPERSEDED: Notice("info", "You logged in again, so this session was closed."),
    EndReason.REPLAYED: Notice(
        "warning",
        "Two copies of this session's cookies were used, so we ended it to protect you. "
        "If you have not restored your browser or its files, change your password after you log in.",
    ),
    EndReason.IDENTITY_MISMATCH: Notice(
        "warning", "We ended this session to be safe. Log in again to continue."
    ),
    EndReason.SIGNED_OUT_ELSEWHERE: Notice("info", "You signed this device out from another device."),
    "quarantined": Notice(
        "warning",
        "To be safe, enter your password again to continue. Nothing is lost: everything is as you left it.",
    ),
    Withheld.NOT_BOUND: Notice(
        "warning",
        "This site asks for a browser that can protect your login with a key of your device, and yours has not done so. "
        "Chrome and Edge on Windows can, from version 146 on. Enter your password again to continue for a minute; nothing "
        "is lost.",
    ),
    Withheld.WITHOUT_KEY: Notice(
        "warning",
        f"This login works only in the browser and on the device where it began. {_AGAIN}",
    ),
    Withheld.WITHOUT_KEY_QUOTA: Notice(
        "warning",
        f"Your browser has proved its device too often in the last minutes, and did not do it again. {_AGAIN}",
    ),
    Withheld.WITHOUT_KEY_SERVER: Notice(
        "warning", f"We had a fault when your browser wanted to prove its device. {_AGAIN}"
    ),
    Withheld.WITHOUT_KEY_NETWORK: Notice(
        "warning", f"Your browser could not reach us to prove its device. {_AGAIN}"
    ),
    "blocked": Notice("warning", "This session cannot be used from here at the moment. Ask support why."),
    EndReason.ACCOUNT_CLOSED: Notice("warning", "This account has been closed. Ask support why."),
    EndReason.REPORTED: Notice(
        "warning",
        "Somebody reported this device as not theirs, and signed it out. If this is your account, log in again.",
    ),
    EndReason.EVICTED: Notice(
        "info",
        "You were signed in on too many devices, so the one that was idle longest was signed out. "
        "Log in again to continue.",
    ),
    EndReason.REVOKED_AT_PROVIDER: Notice(
        "info", "Our login service ended this login. Log in again to continue."
    ),
    EndReason.PASSWORD_CHANGED: Notice(
        "info", "Your password was changed. Log in with the new password to continue."
    ),
    EndReason.ACCOUNT_LOCKED: Notice("warning", "This account was locked. Ask support why."),
    EndReason.ACCOUNT_DELETED: Notice("warning", "This account was deleted."),
    EndReason.DELETION_ASKED: Notice(
        "warning", "This account is to be deleted, so it is signed out everywhere. Log in to keep it."
    ),
    "account_kept": Notice("success", "Your account stays. Log in to continue."),
    EndReason.ROLE_REMOVED: Notice("info", "Your permissions here have changed. Log in again to continue."),
    EndReason.REGISTRATION_REMOVED: Notice("warning", "This account is no longer registered here."),
    "challenge": Notice("warning", "The code has expired. Log in again to get a new one."),
    "fresh": Notice("info", "Enter your password again to continue: the next step needs a recent login."),
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


# Why a login is refused. An unknown address, a wrong password and a locked account have the same text: FusionAuth tells
# some of them apart even without the right password, our page does not. The other texts are for people who have entered
# the right password, or what else they log in with, their `proof`.
REFUSALS = {
    "credentials": "The e-mail address or the password is wrong. Check both and try again.",
    "unregistered": "Your {proof} is right, but this account is not registered here. On the store and in the forums, "
    "create an account with the same address and password.",
    "password_change": "Your {proof} is right, but it has to be changed before you can log in. "
    "Follow “Forgot your password?” below, then come back.",
    "unverified": "Your {proof} is right, but your e-mail address is not confirmed yet. "
    "Follow the link in the message we sent you, then log in.",
    "passkey": "This passkey does not open the account with this e-mail address. Choose another passkey, or log in with your "
    "password.",
    "restricted": "This account cannot log in here at the moment. Your {proof} is not the reason. Ask support why.",
    "no_second_factor": "Your {proof} is right, but this account needs a second step, such as a code from an app, and "
    "none is set up yet. Set one up below, then log in here.",
    "closing": "Your {proof} is right, but this account is to be deleted. Log in to see until when you can keep it.",
    "blocked": "Your {proof} is right, but logging in is blocked for this account at the moment. Ask support why.",
    "no_access": "Your {proof} is right, but this account has no access to the console. Ask an owner for a role.",
}


def refusal(refused: LoginRefused, proof: str = "password") -> str:
    """Return the text of a refusal; of a customer's lambda, what it says itself. `proof` is what was right: a password, a code."""
    if refused.kind == "restricted" and refused.text:
        return f"This account cannot log in here at the moment: {refused.text}"
    return REFUSALS[refused.kind].format(proof=proof)


_MESSAGE = text("SELECT reason_code, reason_user FROM revocations WHERE id = :id")


def notice(db: Database, code: str | None, reference: str | None = None) -> Notice | None:
    """Return the notice for a code, or None for a code that is not in the table.

    `reference` is the id of the revocation that ended the session: the notice then ends with the admin's text for the user.
    One statement with a reference, none without.
    """
    found = _NOTICES.get((code or "").replace("-", "_"))
    revocation_id = parse_uuid(reference)
    if found is None or revocation_id is None:
        return found
    row = db.one(_MESSAGE, id=revocation_id)
    if row is None:
        return found
    # A session that a gate has ended is only known to be revoked. The revocation says why.
    found = _NOTICES.get(row["reason_code"], found)
    return replace(found, text=f"{found.text} {row['reason_user']}") if row["reason_user"] else found
