"""The answers that every call may get, and those that all ways to log in share."""

from .answer import USER, Answer, errors, invalid_id

_LAMBDA_FAILS = errors("[LambdaInvocationException]", "Lambda invocation failed.")
_WEBHOOK_FAILS = errors("[WebhookTransactionException]", "One or more webhooks returned an invalid response.")
_EXCEPTION = errors("[Exception]", "FusionAuth encountered an unexpected error.")
_RESTRICTED = errors("[LoginRestricted]", "Logins are closed on Sundays.")
_TENANT = errors("[TenantIdRequired]", "A Tenant Id is required to complete this request.")


def of_every(call: str) -> tuple[Answer, ...]:
    """Return the answers that every call may get."""
    return (
        Answer(call, "key or client refused", 401, None, "our_fault", "docs: authentication"),
        Answer(call, "account or call not permitted", 403, None, "our_fault", "assumed: by a proxy in front"),
        Answer(call, "internal error", 500, None, "outage", "docs: errors"),
        Answer(call, "internal error with a body", 500, _EXCEPTION, "account", "issue 2594, 3091, 3222"),
        Answer(call, "a lambda fails", 512, _LAMBDA_FAILS, "account", "issue 2006"),
        Answer(call, "search index away", 503, None, "outage", "docs: errors"),
        Answer(call, "a webhook refuses", 504, _WEBHOOK_FAILS, "account", "docs: events-and-webhooks"),
        Answer(call, "too many requests", 429, None, "account", "assumed: a proxy, or a later version"),
        Answer(
            call, "redirect of a proxy", 302, None, "unreadable", "assumed: FusionAuth redirects no API call"
        ),
        Answer(
            call,
            "page of a gateway",
            404,
            "<h1>Not found</h1>",
            "unreadable",
            "assumed: its own 404 is empty",
        ),
    )


def of_login(call: str) -> tuple[Answer, ...]:
    """Return the answers that both steps of a login share."""
    page = {
        "login": "docs: login",
        "two-factor": "docs: complete-mfa",
        "passwordless-login": "docs: complete-a-passwordless-login",
        "passkey-login": "docs: complete-a-webauthn-passkey-authentication",
    }[call]
    return (
        Answer(call, "not registered", 202, {"user": USER}, "unregistered", page),
        *(
            Answer(
                call,
                f"password must be changed ({reason})",
                203,
                {"changePasswordId": "c" * 43, "changePasswordReason": reason},
                "password_change",
                page,
                edition,
            )
            for reason, edition in (
                ("Administrative", "Community"),
                ("Expired", "Community"),
                ("Validation", "Community"),
                ("Breached", "Starter"),
            )
        ),
        Answer(call, "e-mail address not verified", 212, {"user": USER}, "unverified", page),
        Answer(call, "registration not verified", 213, {"user": USER}, "unverified", page),
        Answer(call, "a validation lambda refuses", 400, _RESTRICTED, "restricted", "docs: login-validation"),
        Answer(
            call,
            "a validation lambda refuses a field",
            400,
            errors("[unpaid]", "The plan is not paid.", "user.data.plan"),
            "restricted",
            "docs: login-validation",
        ),
        Answer(call, "several tenants, none named", 400, _TENANT, "our_fault", "docs: tenant authentication"),
        Answer(
            call,
            "application id is no id",
            400,
            invalid_id("applicationId"),
            "our_fault",
            "client: fusionauth-php-client issue 16",
        ),
        Answer(call, "no JSON", 200, "<html></html>", "unreadable", "assumed: a proxy"),
        Answer(call, "without a user", 200, {}, "unreadable", "assumed: never"),
        Answer(call, "user without a registration", 200, {"user": USER}, "unregistered", "docs: login"),
    )
