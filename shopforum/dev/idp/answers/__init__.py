"""The answers that FusionAuth may give to the calls of the sites, as data: the call, the case, the edition and the source of each.

The hook `answer` makes the provider give any of them once. `tests/idp/test_answers.py` checks the client's reaction to each.
docs/fusionauth-answers.md is written from these rows.

Sources: *docs* is FusionAuth's documentation, by the page; *issue* is a thread of github.com/FusionAuth/fusionauth-issues;
*client* is an official client. Where FusionAuth says nothing, the source is *assumed*, with the reason.
"""

from . import logins, mail_codes, passkey_calls, second_factors, token_calls, user_calls
from .answer import PATHS, REACTIONS, Answer
from .shared import of_every

ANSWERS: tuple[Answer, ...] = (
    *(answer for call in PATHS for answer in of_every(call)),
    *logins.ANSWERS,
    *mail_codes.ANSWERS,
    *passkey_calls.ANSWERS,
    *second_factors.ANSWERS,
    *user_calls.ANSWERS,
    *token_calls.ANSWERS,
)
BY_NAME = {answer.name: answer for answer in ANSWERS}

__all__ = ["ANSWERS", "BY_NAME", "PATHS", "REACTIONS", "Answer"]
