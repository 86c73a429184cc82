"""The answers to an e-mail address with a password, and to the code of a second factor."""

from .answer import ACTION, TWO_FACTOR_ID, Answer, errors
from .shared import of_login

ANSWERS: tuple[Answer, ...] = (
    *of_login("login"),
    Answer("login", "wrong password or unknown", 404, None, "credentials", "docs: login"),
    Answer("login", "a user action prevents it", 409, ACTION, "credentials", "docs: login"),
    Answer("login", "user expired", 410, None, "credentials", "docs: login"),
    Answer("login", "user locked", 423, None, "credentials", "docs: login; issue 2524"),
    Answer(
        "login",
        "second factor due",
        242,
        {"twoFactorId": TWO_FACTOR_ID, "methods": [{"id": "R2D2", "method": "authenticator"}]},
        "challenge",
        "docs: login",
    ),
    Answer(
        "login",
        "second factor due by mail",
        242,
        {
            "twoFactorId": TWO_FACTOR_ID,
            "methods": [{"id": "C3PO", "method": "email", "email": "a@b.example"}],
        },
        "challenge",
        "docs: login",
        "Starter",
    ),
    Answer(
        "login",
        "second factor required, none set up",
        242,
        {"twoFactorId": TWO_FACTOR_ID, "configurableMethods": ["authenticator", "email"]},
        "enrolment",
        "docs: login-response-codes, since 1.42",
    ),
    Answer(
        "login",
        "second factor required, none set up, and no authenticator allowed",
        242,
        {"twoFactorId": TWO_FACTOR_ID, "configurableMethods": ["email"]},
        "no_second_factor",
        "docs: login-response-codes, since 1.42",
        "Starter",
    ),
    *of_login("two-factor"),
    Answer("two-factor", "wrong code", 421, None, "code", "docs: complete-mfa"),
    Answer(
        "two-factor",
        "empty code",
        400,
        errors("[blank]code", "You must specify the [code] property.", "code"),
        "code",
        "docs: errors",
    ),
    Answer("two-factor", "challenge over", 404, None, "late", "docs: complete-mfa"),
    Answer("two-factor", "a user action prevents it", 409, ACTION, "credentials", "docs: complete-mfa"),
    Answer("two-factor", "user expired", 410, None, "credentials", "docs: complete-mfa"),
    Answer("two-factor", "user locked", 423, None, "credentials", "docs: complete-mfa"),
)
