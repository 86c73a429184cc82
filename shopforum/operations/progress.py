"""The progress of a long act, in words: how much is done, and an estimate of the time that is left."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Progress:
    """An act that has done a part of a `total`, None where nobody knows it yet, in so many `seconds`."""

    done: int
    total: int | None
    seconds: float

    @classmethod
    def since(cls, begun_at: datetime, done: int, total: int | None) -> "Progress":
        """Return the progress of an act that began at an instant. For display only: the pace is by this host's clock."""
        return cls(done, total, max((datetime.now(UTC) - begun_at).total_seconds(), 1.0))

    @property
    def left(self) -> int | None:
        """The seconds that are left at this pace; None where there is no pace or no total yet."""
        if self.total is None or not self.done:
            return None
        return round((self.total - self.done) * self.seconds / self.done)

    def __str__(self) -> str:
        """Return a line such as "4,000 of 7,006, about 12 s to go"."""
        if self.total is None:
            return f"{self.done:,} so far, about {round(self.done / self.seconds):,} a second"
        text = f"{self.done:,} of {self.total:,}"
        if self.left is None:
            return text
        minutes, hours = self.left // 60, self.left // 3600
        span = f"{hours} h" if hours else f"{minutes} min" if minutes else f"{self.left} s"
        return f"{text}, about {span} to go"
