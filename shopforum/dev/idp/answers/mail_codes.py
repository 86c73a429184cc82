"""The answers to a login by a code that FusionAuth mails."""

from .answer import TWO_FACTOR_ID, Answer, errors
from .shared import of_login

ANSWERS: tuple[Answer, ...] = (
    *of_login("passwordless-login"),
    Answer(
        "passwordless-login",
        "code unknown or too old",
        404,
        None,
        "late",
        "docs: complete-a-passwordless-login",
    ),
    Answer(
        "passwordless-login",
        "code wrong",
        400,
        errors("[invalid]oneTimeCode", "The code is not valid.", "oneTimeCode"),
        "late",
        "assumed: docs have 404",
    ),
    Answer(
        "passwordless-login",
        "second factor due",
        242,
        {"twoFactorId": TWO_FACTOR_ID, "methods": [{"id": "R2D2", "method": "authenticator"}]},
        "challenge",
        "docs: complete-a-passwordless-login",
    ),
    Answer(
        "passwordless-login", "user locked", 423, None, "credentials", "docs: complete-a-passwordless-login"
    ),
    Answer(
        "passwordless-start",
        "user not found",
        404,
        None,
        "unknown",
        "docs: start-passwordless-login",
    ),
    Answer(
        "passwordless-start",
        "no code of its own for the mail",
        200,
        {"code": "c" * 43},
        "our_fault",
        "docs: start-passwordless-login, before 1.59 or with ClickableLink",
    ),
    Answer(
        "passwordless-start",
        "not enabled",
        400,
        errors("[PasswordlessDisabled]", "Passwordless login is not enabled."),
        "our_fault",
        "docs: start-passwordless-login; the code is assumed",
    ),
    Answer("passwordless-send", "sent", 200, None, "done", "docs: send-passwordless-login"),
    Answer(
        "passwordless-send",
        "code unknown",
        400,
        errors("[invalid]code", "The code is not valid.", "code"),
        "our_fault",
        "docs: send-passwordless-login",
    ),
)
