"""The results of the checks of `shopforum check`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

_LARGEST_SKEW = timedelta(seconds=5)


@dataclass(frozen=True)
class Check:
    """The result of a check: `fine` says what was seen, or `problem` what is wrong and `fix` what to do."""

    about: str
    fine: str = ""
    problem: str = ""
    fix: str = ""


def clock(about: str, shown: datetime, asked: datetime, answered: datetime) -> Check:
    """Check a clock against this machine's. It showed `shown` at some moment between `asked` and `answered`, so that a slow
    answer is not taken for a wrong clock.
    """
    skew = max(shown - answered, timedelta(0)) or min(shown - asked, timedelta(0))
    if abs(skew) > _LARGEST_SKEW:
        problem = f"{skew.total_seconds():+.1f} s from this machine's clock"
        return Check(about, problem=problem, fix="let NTP set the clocks of all machines")
    return Check(about, fine=f"within {_LARGEST_SKEW.seconds} s of this machine's clock")
