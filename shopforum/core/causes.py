"""The cause of an error, for logs and for the columns that operators read."""

import smtplib
import ssl


def cause(error: BaseException) -> str:
    """Return an error's class and the reason that the system or the server gave: "ConnectionError: Connection refused".

    The text of an error may hold an address, a URL with a secret in it, or what a server chose to say. It is left out.
    """
    reason = ""
    inner: BaseException | None = error
    seen: set[int] = set()
    while inner is not None and id(inner) not in seen:
        seen.add(id(inner))
        reason = _reason(inner) or reason
        inner = _within(inner)
    return f"{type(error).__name__}: {reason}" if reason else type(error).__name__


def _reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(error.verify_message)
    if isinstance(error, ssl.SSLError):
        return error.reason or ""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"the server answered {', '.join(str(code) for code, _ in error.recipients.values())}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the server answered {error.smtp_code}"
    return (error.strerror or "") if isinstance(error, OSError) else ""


def _within(error: BaseException) -> BaseException | None:
    """Return the error that an error wraps: as its reason (urllib3), its argument (requests) or its cause."""
    for inner in (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__):
        if isinstance(inner, BaseException):
            return inner
    return None
