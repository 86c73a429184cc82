"""How a site takes part in a login without knowing how people log in, nor the login what a site is about."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class LoginHookResult:
    """What a login hook adds to the answer: headers, such as cookies, and the code of a notice for the next page.

    A hook is a function in `registry.login_hooks`; it is called with the request, the user's id and the path that the
    login leads to, after the session was made, and returns one of these or None.
    """

    headers: list[tuple[str, str]] = field(default_factory=list)
    notice: str | None = None
