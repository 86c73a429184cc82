"""What the checks of `shopforum check` find."""

from dataclasses import dataclass
from datetime import timedelta

_LARGEST_SKEW = timedelta(seconds=5)


@dataclass(frozen=True)
class Finding:
    """One check's result: `fine` says what was seen, or `problem` what is wrong and `mend` what to do."""

    about: str
    fine: str = ""
    problem: str = ""
    mend: str = ""


def clock(about: str, skew: timedelta) -> Finding:
    """A clock beside ours. `skew` is how far it is ahead."""
    seconds = f"{skew.total_seconds():+.1f} s from ours"
    if abs(skew) <= _LARGEST_SKEW:
        return Finding(about, fine=seconds)
    return Finding(about, problem=seconds, mend="let NTP set the clocks of all machines")
