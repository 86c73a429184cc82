"""Every strategy of a thief against every timing of an owner: for how long is a thief served?

A tick is the grace. In each tick the owner sends no request, one or two; before, between and after them the thief presents any of
his pairs, as often as he likes. The answer is the largest number of ticks in which the owner was active from the theft
to the thief's last page, or None: for ever.
"""

from collections.abc import Iterator
from typing import NamedTuple

from rotation_model import Pair, Row, Rules, Step, renumbered

SERVED = {Step.SERVE, Step.HAND_OUT, Step.REFRESH}
# Pairs of one kind that the thief keeps; a third adds nothing.
_KEPT = 2


class State(NamedTuple):
    row: Row
    jar: int
    thief: frozenset[int]
    owner_requests: int


def longest(rules: Rules, *, owner_requests: int = 2) -> int | None:
    """Owner-active ticks until the thief's last page at most; None for ever."""
    starts = _thefts(rules)
    edges: dict[State, list[tuple[State | None, int, bool]]] = {}
    waiting = list(starts)
    while waiting:
        state = waiting.pop()
        if state in edges:
            continue
        edges[state] = list(_moves(rules, state, owner_requests))
        waiting += [following for following, _, _ in edges[state] if following is not None]
    best: dict[State, int | None] = {}
    for members in _components(edges):
        inside = set(members)
        found: int | None = None
        active_circle = False
        for state in members:
            for following, ticks, served in edges[state]:
                if served:
                    found = max(found or 0, 0)
                if following in inside:
                    active_circle |= bool(ticks)
                elif following is not None and best[following] is not None:
                    found = max(found or 0, best[following] + ticks)
        if active_circle and found is not None:
            return None
        best |= dict.fromkeys(members, found)
    return max(best[state] or 0 for state in starts)


def _thefts(rules: Rules) -> set[State]:
    """The theft may be at any moment between two rotations."""
    row, found = rules.login(), set()
    for _ in range(int(rules.timing.rotate_every) + 1):
        found.add(_state(rules, row._replace(idle=0), 1, {1}, 0))
        row = rules.tick(row)
    return found


def _state(rules: Rules, row: Row, jar: int, thief: set[int], owner_requests: int) -> State:
    good: set[int] = set()
    alike: dict[Pair, int] = {}
    for pair in sorted(row.pairs):
        if pair.n not in thief:
            continue
        step = rules.judge(rules.facts(row, pair.n), rules.timing)
        if pair.n != row.head and step in (Step.END, Step.QUARANTINE):
            continue  # no rule makes it good again
        kind = pair._replace(n=0)
        alike[kind] = alike.get(kind, 0) + 1
        if alike[kind] <= _KEPT:
            good.add(pair.n)
    row, number = renumbered(row, good | {jar})
    return State(row, number[jar], frozenset(number[n] for n in good), owner_requests)


def _moves(rules: Rules, state: State, most: int) -> Iterator[tuple[State | None, int, bool]]:
    """Return what may come next: the state, owner-active ticks that pass, and whether the thief was served."""
    row, jar, thief, sent = state
    new = max(row.numbers) + 1
    if not thief:
        return
    for n in thief:
        step, after, handed = rules.present(row, n, new)
        if step in SERVED:
            yield _state(rules, after, jar, thief | ({new} if handed else set()), sent), 0, True
    if sent < most:
        step, after, handed = rules.present(row, jar, new)
        if step in SERVED:
            yield _state(rules, after, new if handed else jar, set(thief), sent + 1), 0, False
    yield _state(rules, rules.tick(row), jar, set(thief), 0), int(sent > 0), False


def _components(edges: dict[State, list[tuple[State | None, int, bool]]]) -> Iterator[list[State]]:
    """Strongly connected components, those that are led to first (Tarjan's algorithm, without recursion)."""
    index: dict[State, int] = {}
    low: dict[State, int] = {}
    stack: list[State] = []
    on_stack: set[State] = set()
    for root, outgoing in edges.items():
        if root in index:
            continue
        path = [(root, iter(outgoing))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while path:
            state, following = path[-1]
            for nxt, _, _ in following:
                if nxt is None:
                    continue
                if nxt not in index:
                    index[nxt] = low[nxt] = len(index)
                    stack.append(nxt)
                    on_stack.add(nxt)
                    path.append((nxt, iter(edges[nxt])))
                    break
                if nxt in on_stack:
                    low[state] = min(low[state], index[nxt])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[state])
                if low[state] == index[state]:
                    members = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        members.append(member)
                        if member == state:
                            break
                    yield members
