"""A session's row and its pairs in memory, moved by the rules themselves (`sessions.rotation`), in whole ticks of time.

Both searches of `test_rotation_search.py` walk over these states. Ages stop growing where no rule tells them apart any more,
so that there are finitely many states.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from shopforum.sessions.rotation import Facts, Step, Timing, after_take_over, next_step


class Pair(NamedTuple):
    n: int
    parent: int
    seen: bool = False
    replaced_age: int | None = None


class Row(NamedTuple):
    head: int
    head_parent: int
    head_age: int
    head_used_for: int
    due_in: int
    unshown: int
    idle: int
    pairs: tuple[Pair, ...]

    @property
    def numbers(self) -> set[int]:
        return {self.head, self.head_parent} | {x for pair in self.pairs for x in pair[:2]}


@dataclass(frozen=True)
class Rules:
    """`judge` may be replaced, to show that a search finds what other rules let through."""

    timing: Timing
    idle_after: int
    judge: Callable[..., Step] = next_step

    def login(self) -> Row:
        return Row(1, 0, 0, 0, int(self.timing.rotate_every), 0, 0, (Pair(1, 0, True),))

    def facts(self, row: Row, n: int) -> Facts:
        [pair] = [pair for pair in row.pairs if pair.n == n]
        active = row.idle < self.idle_after
        return Facts(*row[:6], active, *pair)

    def present(self, row: Row, n: int, new: int, *, quiet: bool = False) -> tuple[Step, Row, bool]:
        """Return the outcome of a request with pair `n`, the row after it, and whether it was handed the pair `new`."""
        facts = self.facts(row, n)
        step = self.judge(facts, self.timing, quiet=quiet)
        if step is Step.TAKE_OVER:
            facts = after_take_over(facts, self.timing)
            pairs = tuple(
                pair._replace(seen=True, replaced_age=None)
                if pair.n == n
                else pair._replace(replaced_age=0)
                if pair.n == row.head
                else pair
                for pair in row.pairs
            )
            row = Row(facts.head, facts.head_parent, 0, 0, int(facts.due_in), 0, row.idle, pairs)
            step = self.judge(facts, self.timing, quiet=quiet)
        if step is Step.SERVE:
            if n == row.head:
                return step, row._replace(idle=0, head_used_for=row.head_age), False
            return step, row, False
        if step in (Step.HAND_OUT, Step.REFRESH):
            given = row._replace(
                due_in=1,
                unshown=min(row.unshown + 1, self.timing.cap),
                idle=0,
                head_used_for=row.head_age,
                pairs=(*row.pairs, Pair(new, row.head)),
            )
            return step, given, True
        return step, row, False

    def tick(self, row: Row) -> Row:
        grace = int(self.timing.grace)

        def aged(pair: Pair) -> Pair:
            if pair.replaced_age is None:
                return pair
            return pair._replace(replaced_age=min(pair.replaced_age + 1, grace + 1))

        return row._replace(
            head_age=min(row.head_age + 1, grace + 1),
            due_in=max(row.due_in - 1, 0),
            idle=min(row.idle + 1, self.idle_after),
            pairs=tuple(map(aged, row.pairs)),
        )


def renumbered(row: Row, needed: set[int]) -> tuple[Row, dict[int, int]]:
    """The row with the needed pairs and its head alone, numbered anew in their order; and the new number of each."""
    pairs = [pair for pair in row.pairs if pair.n in needed or pair.n == row.head]
    order = sorted({row.head, row.head_parent} | needed | {pair.parent for pair in pairs})
    number = {old: new for new, old in enumerate(order)}
    kept = tuple(sorted(pair._replace(n=number[pair.n], parent=number[pair.parent]) for pair in pairs))
    return row._replace(head=number[row.head], head_parent=number[row.head_parent], pairs=kept), number
