"""The rules of rotation: what a presented pair of cookies is to its session, and what follows. Pure functions, no SQL.

Pairs form a tree: each was handed out in answer to another one, its parent. The *head* is the pair that holds now. A pair
that the browser shows for the first time proves that the browser has it, and takes over from its parent. Two holders
of one session show pairs of different branches, and no order of honest requests, lost or late responses does
that. `tests/sessions/test_rotation_search.py` searches every order of both exhaustively, over these functions.

All ages are seconds by the database's clock, taken in one statement.
"""

from dataclasses import dataclass, replace
from enum import StrEnum


@dataclass(frozen=True)
class Timing:
    """The lengths of the rules, in seconds.

    `rotate_every`: a successor is due so long after the head took over. `grace`: how long a replaced pair, or a late
    sibling of the head, is served without taking over. `cap`: successors that may be handed out in a row without one
    being shown. `retry`: after one was handed out and not shown, the next is due so much later. The searches hold for these
    proportions: change them together.
    """

    rotate_every: float
    grace: float = 60
    cap: int = 8
    retry: float = 30

    @property
    def retry_lost(self) -> float:
        """The same where the lost pair has another refresh token: the provider repeats it only for a while."""
        return min(self.retry, 10.0)


class PairStatus(StrEnum):
    """The place of a presented pair in its session's tree."""

    HEAD = "head"  # it holds now
    NEXT = "next"  # shown for the first time, a successor of the head or a late sibling: it takes over
    LATE = "late"  # on its way when it was replaced: served, and nothing changes
    FALLBACK = "fallback"  # the head's parent, where the head was hardly used: a browser that lost its newest cookies
    SPENT = "spent"  # anything else: two holders


@dataclass(frozen=True, slots=True)
class Facts:
    """A session's row and the presented pair's, as one statement has read them.

    `head_age`: since the head took over. `head_used_for`: from then to its last use. `due_in`: until a successor is due,
    negative once it is. `unshown`: successors handed out since the head took over. `active`: not idled out. `n` and
    `parent` are the pair's number and that of the pair it was given for, `seen` whether the browser has shown it
    before, `replaced_age` since when it is no longer the head, None where it never was replaced. `elsewhere`: the request
    comes from another network, browser or system than the session's last one.
    """

    head: int
    head_parent: int
    head_age: float
    head_used_for: float
    due_in: float
    unshown: int
    active: bool
    n: int
    parent: int
    seen: bool
    replaced_age: float | None
    elsewhere: bool = False


def pair_status(facts: Facts, timing: Timing) -> PairStatus:
    """Return the place of the presented pair in its session's tree."""
    if facts.n == facts.head:
        return PairStatus.HEAD
    if not facts.seen and facts.parent == facts.head:
        return PairStatus.NEXT
    if not facts.seen and facts.parent == facts.head_parent:
        # A response that was overtaken. Soon after the take-over it is a straggler; later its browser shows what it holds.
        calm = facts.active and facts.head_age <= timing.grace
        return PairStatus.LATE if calm else PairStatus.NEXT
    if facts.replaced_age is not None and facts.replaced_age <= timing.grace:
        return PairStatus.LATE
    # A browser that crashed comes back where it was. A pair that comes back elsewhere is a copy.
    if facts.n == facts.head_parent and facts.head_used_for <= timing.grace and not facts.elsewhere:
        return PairStatus.FALLBACK
    return PairStatus.SPENT


def is_due(facts: Facts) -> bool:
    """Return whether the head is to be given a successor."""
    return facts.due_in <= 0


def is_starved(facts: Facts, timing: Timing) -> bool:
    """Return whether the head has been given as many successors as it may have without showing one: somebody takes them away,
    or every response gets lost. The session is then quarantined, and nothing is lost.
    """
    return facts.unshown >= timing.cap


class Step(StrEnum):
    """The next thing to do for a request."""

    SERVE = "serve"
    TAKE_OVER = "take over"  # the pair becomes the head; then ask again, with `after_take_over`
    HAND_OUT = "hand out"  # one request gets a successor, and is served
    REFRESH = "refresh"  # by the lease, at the provider; the response carries a successor
    WAIT = "wait"  # for the request that refreshes
    QUARANTINE = "quarantine"  # the password once more, nothing lost
    END = "end"  # two holders: here and at the provider


def next_step(facts: Facts, timing: Timing, *, quiet: bool = False) -> Step:
    """Return the next step for a request with this pair on a live session. `quiet` is a prefetch or a HEAD, whose response may
    never reach the cookie jar: it is given no successor while the session is active.
    """
    match pair_status(facts, timing):
        case PairStatus.SPENT:
            return Step.END
        case PairStatus.FALLBACK:
            return Step.QUARANTINE
        case PairStatus.NEXT:
            return Step.TAKE_OVER
        case PairStatus.LATE:
            return Step.SERVE if facts.active else Step.WAIT
    if facts.active and (quiet or not is_due(facts)):
        return Step.SERVE
    if is_starved(facts, timing):
        return Step.QUARANTINE
    return Step.HAND_OUT if facts.active else Step.REFRESH


def after_take_over(facts: Facts, timing: Timing) -> Facts:
    """Return the facts once the presented pair has become the head."""
    return replace(
        facts,
        head=facts.n,
        head_parent=facts.parent,
        head_age=0,
        head_used_for=0,
        due_in=timing.rotate_every,
        unshown=0,
        seen=True,
        replaced_age=None,
    )
