"""The results of the checks of `shopforum check`."""

from dataclasses import dataclass
from datetime import timedelta

_LARGEST_SKEW = timedelta(seconds=5)


@dataclass(frozen=True)
class Check:
    """The result of a check: `fine` says what was seen, or `problem` what is wrong and `fix` what to do."""

    about: str
    fine: str = ""
    problem: str = ""
    fix: str = ""


def clock(about: str, skew: timedelta) -> Check:
    """Check a clock against this machine's. `skew` is how far it is ahead."""
    seconds = f"{skew.total_seconds():+.1f} s from this machine's clock"
    if abs(skew) <= _LARGEST_SKEW:
        return Check(about, fine=seconds)
    return Check(about, problem=seconds, fix="let NTP set the clocks of all machines")
