"""One answer of FusionAuth: the call, the case, the status, the body and the source, and what several answers share."""

from dataclasses import dataclass
from typing import Any

PATHS = {
    "login": ("POST", "/api/login"),
    "two-factor": ("POST", "/api/two-factor/login"),
    "send": ("POST", "/api/two-factor/send"),
    "passwordless-start": ("POST", "/api/passwordless/start"),
    "passwordless-send": ("POST", "/api/passwordless/send"),
    "passwordless-login": ("POST", "/api/passwordless/login"),
    "set-up": ("POST", "/api/user/two-factor"),
    "passkey-start": ("POST", "/api/webauthn/start"),
    "passkey-login": ("POST", "/api/webauthn/login"),
    "passkey-options": ("POST", "/api/webauthn/register/start"),
    "passkey-add": ("POST", "/api/webauthn/register/complete"),
    "passkey-list": ("GET", "/api/webauthn"),
    "passkey-remove": ("DELETE", "/api/webauthn"),
    "refresh": ("POST", "/api/jwt/refresh"),
    "token": ("POST", "/oauth2/token"),
    "user": ("GET", "/api/user"),
    "revoke": ("DELETE", "/api/jwt/refresh"),
    "delete": ("DELETE", "/api/user"),
    "tokens": ("GET", "/api/jwt/refresh"),
    "sign-up": ("POST", "/api/user/registration"),
    "forgotten": ("POST", "/api/user/forgot-password"),
    "change-password": ("POST", "/api/user/change-password"),
}


@dataclass(frozen=True)
class Answer:
    """One answer: the call and the case in which FusionAuth gives it, its status and body, and the source of this knowledge.

    `edition` is the lowest one in which FusionAuth gives it. `reaction` is what the client makes of it, a key of REACTIONS.
    """

    call: str
    case: str
    status: int
    body: Any
    reaction: str
    source: str
    edition: str = "Community"

    @property
    def name(self) -> str:
        """The name of the answer for the hook."""
        return f"{self.call}: {self.case}"


REACTIONS = {
    "challenge": "a second factor is asked for",
    "unknown": "nothing is sent, and the page is the same",
    "passkey": "refused: the passkey is not this account's; counted as a try",
    "enrolment": "an authenticator is set up first",
    "credentials": "refused: e-mail address or password is wrong; counted as a try",
    "unregistered": "refused: not registered here",
    "password_change": "refused: the password has to be changed",
    "unverified": "refused: the address is not confirmed",
    "restricted": "refused, in the customer's own words",
    "no_second_factor": "refused: set up a second factor",
    "code": "refused: the code is wrong; counted as a try",
    "late": "refused: the challenge is over",
    "ended": "the session ends: log in again",
    "no_roles": "the account is closed here: the sessions end",
    "done": "nothing is left to do",
    "taken": "the page is the same as for a new address",
    "input": "FusionAuth's message stands at the field",
    "our_fault": "503, an error in the log: our key or settings are wrong",
    "account": "503 for this user; says nothing about others; a login stays counted as a try",
    "outage": "503; five in a row open the breaker of this kind of call",
    "unreadable": "503; the cookies stay",
}


def errors(code: str, message: str, field_name: str = "") -> dict[str, Any]:
    """Return an `Errors` body with one error, of a field or general."""
    entry = [{"code": code, "message": message}]
    return {
        "fieldErrors": {field_name: entry} if field_name else {},
        "generalErrors": [] if field_name else entry,
    }


def invalid_id(name: str) -> dict[str, Any]:
    """Return the body for a field of the request that should be an id and is not."""
    return errors(f"[couldNotConvert]{name}", f"Invalid [{name}].", name)


TWO_FACTOR_ID = "YkQY5Gsyo4RlfmDciBGRmvfj3RmatUqrbjoIZ19fmw4"
USER = {"id": "00000000-0000-4000-8000-000000000007", "active": True}
ACTION = {"actions": [{"name": "Ban", "localizedName": "Ban", "expiry": 1}]}
