"""Limits that one package keeps and others ask for."""

from collections.abc import Callable
from dataclasses import dataclass

from .request import Request
from .templating import plural


class TooManyTries(Exception):
    """The person has to wait. `retry_after` is in whole seconds; the message is for the person."""

    def __init__(self, retry_after: int) -> None:
        long = retry_after >= 120
        wait = plural(-(-retry_after // 60), "minute") if long else plural(retry_after, "second")
        super().__init__(f"Too many tries. Wait {wait}, then try again.")
        self.retry_after = retry_after


@dataclass(frozen=True)
class LetterLimit:
    """The limit on letters to an address that anybody may have typed (login/throttle.py).

    `take` counts one for this request and address. Raises TooManyTries.
    """

    take: Callable[[Request, str], None]
