"""The answers to the sending of a second factor's code, and to the set-up of an authenticator."""

from .answer import Answer, errors

ANSWERS: tuple[Answer, ...] = (
    Answer("send", "sent", 200, None, "done", "docs: send-a-multi-factor-code"),
    Answer("send", "challenge over", 404, None, "late", "docs: send-a-multi-factor-code"),
    Answer(
        "send",
        "no such method",
        400,
        errors("[invalid]methodId", "The method is unknown.", "methodId"),
        "our_fault",
        "docs: send-a-multi-factor-code",
    ),
    Answer(
        "set-up",
        "set up, with the login's code",
        200,
        {"code": "123456", "recoveryCodes": ["ABCDE-12345"]},
        "done",
        "docs: enable-multi-factor, since 1.42",
    ),
    Answer("set-up", "set up, not the first method", 200, None, "done", "docs: enable-multi-factor"),
    Answer("set-up", "wrong code", 421, None, "code", "docs: enable-multi-factor"),
    Answer("set-up", "user gone", 404, None, "late", "docs: enable-multi-factor"),
    Answer(
        "set-up",
        "challenge over",
        400,
        errors("[invalid]twoFactorId", "The twoFactorId is not valid.", "twoFactorId"),
        "late",
        "assumed: docs: enable-multi-factor has 400 alone",
    ),
    Answer(
        "set-up",
        "method not enabled",
        400,
        errors("[notEnabled]", "The method is not enabled in the tenant."),
        "our_fault",
        "docs: enable-multi-factor",
    ),
)
