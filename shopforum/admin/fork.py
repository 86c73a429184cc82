"""The fork view: a small tree of who showed each pair of cookies first. The line forks where a second holder appears.

Drawn on the server, as an image that a strict Content-Security-Policy allows; the page's table of pairs says the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..core import user_agents
from ..operations.rows import PairRow, Place, SessionRow

# A picture of more could not be read; the table has the rest.
_MOST_PAIRS, _MOST_LANES = 12, 6
_STEP, _LANE, _MARGIN = 44, 44, 34


@dataclass(frozen=True)
class Lane:
    """A holder of the session's cookies: an address and a browser, numbered from the login on."""

    number: int
    address: str
    agent: str
    y: int


@dataclass(frozen=True)
class Node:
    """A pair of cookies where it was first shown; or, without a number, its use by another holder."""

    x: int
    y: int
    text: str
    title: str
    kind: str


@dataclass(frozen=True)
class Line:
    """A line from one node to the next; `forked` where the holder changes."""

    x1: int
    y1: int
    x2: int
    y2: int
    forked: bool


@dataclass(frozen=True)
class Fork:
    """The drawing, in an image of `width` by `height` units."""

    lanes: list[Lane]
    nodes: list[Node]
    lines: list[Line]
    width: int
    height: int


def draw(session: SessionRow, pairs: Sequence[PairRow], places: Sequence[Place]) -> Fork | None:
    """Draw a session's pairs over its places. None where all came from one place."""
    lanes = _lanes(session, places)
    if len(lanes) < 2:
        return None
    nodes: list[Node] = []
    lines: list[Line] = []
    shown: dict[int, tuple[PairRow, Node]] = {}
    recent = sorted(pairs, key=lambda pair: pair.generation)[-_MOST_PAIRS:]
    for column, pair in enumerate(recent):
        before = nodes[-1] if nodes else None
        node = _node(pair, lanes, _MARGIN + column * _STEP, before)
        if before:
            lines.append(Line(before.x, before.y, node.x, node.y, before.y != node.y))
        nodes.append(node)
        shown[pair.generation] = (pair, node)
    _add_other_holders(lanes, places, list(shown.values()), nodes, lines)
    return Fork(list(lanes.values()), nodes, lines, 2 * _MARGIN + len(recent) * _STEP, len(lanes) * _LANE + 8)


def _key(address: str | None, agent: str | None) -> tuple[str, str]:
    return address or "", user_agents.label(agent or "")


def _lanes(session: SessionRow, places: Sequence[Place]) -> dict[tuple[str, str], Lane]:
    lanes: dict[tuple[str, str], Lane] = {}
    for address, agent in [
        (session.address, session.agent),
        *((place.address, place.agent) for place in places),
    ]:
        key = _key(address, agent)
        if address and key not in lanes and len(lanes) < _MOST_LANES:
            number = len(lanes) + 1
            lanes[key] = Lane(number, address, agent, number * _LANE - _LANE // 2 + 4)
    return lanes


def _node(pair: PairRow, lanes: dict[tuple[str, str], Lane], x: int, before: Node | None) -> Node:
    """Return the node of a pair. A pair that was not shown yet stays on the line of the pair before it."""
    first = next(iter(lanes.values()))
    lane = lanes.get(_key(pair.seen_address, pair.seen_agent)) if pair.seen_at else None
    y = lane.y if lane else before.y if before else first.y
    text = str(pair.generation)
    if not pair.seen_at:
        return Node(x, y, text, f"Pair {text}: not shown yet", "neutral")
    kind = "success" if lane in (None, first) else "danger"
    return Node(x, y, text, f"Pair {text}: first shown by {lane.number if lane else 'another holder'}", kind)


def _add_other_holders(
    lanes: dict[tuple[str, str], Lane],
    places: Sequence[Place],
    shown: list[tuple[PairRow, Node]],
    nodes: list[Node],
    lines: list[Line],
) -> None:
    """Add holders who used a pair that another holder showed first: each is a branch without a next node."""
    taken = {node.y for node in nodes}
    for place in places:
        lane = lanes.get(_key(place.address, place.agent))
        if lane is None or lane.y in taken or not shown:
            continue
        taken.add(lane.y)
        used = [node for pair, node in shown if pair.created_at <= place.first_at]
        source = used[-1] if used else shown[0][1]
        branch = Node(
            source.x + _STEP // 2,
            lane.y,
            "",
            f"{lane.number} used pair {source.text}, which another holder showed first",
            "danger",
        )
        nodes.append(branch)
        lines.append(Line(source.x, source.y, branch.x, branch.y, True))
