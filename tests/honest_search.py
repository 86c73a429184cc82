"""Every order of an honest browser's requests, their arrivals, and responses that are late or lost: is it ever ended?

A tick is the grace. A request is under way for at most `request_ticks`, a response for at most `response_ticks`; at most two
requests and three responses are under way at once. With `crashes`, the jar may go back to what it was up to one tick ago.
"""

from collections import deque
from typing import NamedTuple

from rotation_model import Row, Rules, Step, renumbered

_REQUESTS, _RESPONSES = 2, 3
Flight = tuple[tuple[int, int], ...]


class State(NamedTuple):
    row: Row
    jar: int
    disk: int
    requests: Flight
    responses: Flight


class Found(NamedTuple):
    """`way` is the shortest run that ends the browser's session, None where there is none; `states` were looked at."""

    way: list[str] | None
    states: int
    quarantined: set[int]


def shortest_end(
    rules: Rules, *, request_ticks: int = 1, response_ticks: int = 1, crashes: bool = False
) -> Found:
    """Search breadth first. `quarantined` are the numbers of unshown successors at which quarantine was met."""
    start = State(rules.login(), 1, 1, (), ())
    before: dict[State, tuple[State, str] | None] = {start: None}
    waiting, quarantined = deque([start]), set()

    def reach(state: State, following: State, what: str) -> None:
        if following not in before:
            before[following] = (state, what)
            waiting.append(following)

    while waiting:
        state = waiting.popleft()
        row, jar, disk, requests, responses = state
        if len(requests) < _REQUESTS:
            reach(state, _state(row, jar, disk, (*requests, (jar, 0)), responses), f"send {jar}")
        for position, (n, _) in enumerate(requests):
            rest = requests[:position] + requests[position + 1 :]
            new = max(row.numbers | {jar, disk} | {x for x, _ in (*requests, *responses)}) + 1
            step, after, handed = rules.present(row, n, new)
            if step is Step.END:
                return Found([*_way(before, state), f"{n} arrives: ended"], len(before), quarantined)
            if step is Step.QUARANTINE:
                # A browser that went back to an older jar may be asked for its password; otherwise only starvation does that.
                quarantined.add(row.unshown if n == row.head or not crashes else -1)
                continue
            if handed and len(responses) < _RESPONSES:
                reach(
                    state,
                    _state(after, jar, disk, rest, (*responses, (new, 0))),
                    f"{n} arrives, {new} leaves",
                )
            reach(state, _state(after, jar, disk, rest, responses), f"{n} arrives" + ", lost" * handed)
        for position, (n, _) in enumerate(responses):
            rest = responses[:position] + responses[position + 1 :]
            reach(state, _state(row, n, disk, requests, rest), f"{n} stored")
        if crashes and disk != jar:
            reach(state, _state(row, disk, disk, requests, ()), "crash")
        aged = _state(
            rules.tick(row),
            jar,
            jar if crashes else disk,
            tuple((n, age + 1) for n, age in requests if age < request_ticks),
            tuple((n, age + 1) for n, age in responses if age < response_ticks),
        )
        reach(state, aged, "tick")
    return Found(None, len(before), quarantined)


def _state(row: Row, jar: int, disk: int, requests: Flight, responses: Flight) -> State:
    row, number = renumbered(row, {jar, disk} | {n for n, _ in (*requests, *responses)})

    def moved(flight: Flight) -> Flight:
        return tuple(sorted((number[n], age) for n, age in flight))

    return State(row, number[jar], number[disk], moved(requests), moved(responses))


def _way(before: dict[State, tuple[State, str] | None], state: State) -> list[str]:
    steps = []
    while step := before[state]:
        state, what = step
        steps.append(what)
    return steps[::-1]
