"""The answers about a user: reading, sign-up, a new password, deletion."""

from .answer import USER, Answer, errors, invalid_id

ANSWERS: tuple[Answer, ...] = (
    Answer("sign-up", "created", 200, {"user": USER}, "done", "docs: create-a-user-and-registration"),
    Answer(
        "sign-up",
        "address taken",
        400,
        errors("[duplicate]user.email", "A User with this address exists.", "user.email"),
        "taken",
        "docs: errors",
    ),
    Answer(
        "sign-up",
        "password too short",
        400,
        errors("[tooShort]user.password", "The password is too short.", "user.password"),
        "input",
        "docs: errors",
    ),
    Answer(
        "sign-up",
        "application id is no id",
        400,
        invalid_id("registration.applicationId"),
        "our_fault",
        "docs: errors",
    ),
    Answer("sign-up", "accepted without a user", 202, None, "unreadable", "assumed: never"),
    Answer("forgotten", "sent", 200, {"changePasswordId": "c" * 43}, "done", "docs: start-forgot-password"),
    Answer("forgotten", "user not found", 404, None, "done", "docs: start-forgot-password"),
    Answer(
        "forgotten",
        "no template for the mail",
        422,
        errors("[NoEmailTemplate]", "There is no template."),
        "our_fault",
        "docs: start-forgot-password",
    ),
    Answer("change-password", "changed", 200, {"oneTimePassword": "o"}, "done", "docs: change-a-password"),
    Answer("change-password", "link spent or too old", 404, None, "late", "docs: change-a-password"),
    Answer(
        "change-password",
        "password used before",
        400,
        errors("[previouslyUsed]password", "The password was used before.", "password"),
        "input",
        "docs: errors",
    ),
    Answer(
        "change-password",
        "application id is no id",
        400,
        invalid_id("applicationId"),
        "our_fault",
        "docs: errors",
    ),
    Answer("change-password", "user locked", 423, None, "unreadable", "assumed: as at a login"),
    Answer("user", "deleted", 404, None, "no_roles", "docs: retrieve-a-user"),
    Answer(
        "user", "deactivated", 200, {"user": USER | {"active": False}}, "no_roles", "docs: retrieve-a-user"
    ),
    Answer("user", "not registered any more", 200, {"user": USER}, "no_roles", "issue 1748"),
    Answer("user", "without a user", 200, {}, "unreadable", "assumed: never"),
    Answer("delete", "deleted", 200, None, "done", "docs: users"),
    Answer("delete", "unknown", 404, None, "done", "docs: users"),
)
