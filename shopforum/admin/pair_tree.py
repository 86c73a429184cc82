"""The tree of a session's pairs of cookies: which pair was given for which, and who showed each first.

An honest browser makes one line. The line forks where a second holder appears. The tree is drawn on the server, as an image
that a strict Content-Security-Policy allows; the page's table of pairs says the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..core import addresses, user_agents
from ..operations.rows import PairRow, Place, SessionRow

# A picture of more could not be read; the table has the rest.
_MOST_PAIRS, _MOST_LANES = 12, 6
_STEP, _LANE, _MARGIN = 44, 44, 34

# Network, browser and system.
_Holder = tuple[str | None, str, str]


@dataclass(frozen=True)
class Lane:
    """A holder of the session's cookies, numbered from the login on. `address` and `agent`: where it was seen first."""

    number: int
    address: str
    agent: str
    y: int


@dataclass(frozen=True)
class Node:
    """A pair of cookies in the lane of the holder who showed it first, or who asked for it if nobody has shown it.

    Without a text: the use of a pair by a holder who is not the one that showed it first.
    """

    x: int
    y: int
    text: str
    title: str
    kind: str


@dataclass(frozen=True)
class Line:
    """A line from a pair to one that was given for it; `forked` where the holder changes."""

    x1: int
    y1: int
    x2: int
    y2: int
    forked: bool


@dataclass(frozen=True)
class PairTree:
    """The drawing, in an image of `width` by `height` units."""

    lanes: list[Lane]
    nodes: list[Node]
    lines: list[Line]
    width: int
    height: int


def draw(session: SessionRow, pairs: Sequence[PairRow], places: Sequence[Place]) -> PairTree | None:
    """Draw a session's newest pairs over its places. None where all came from one place."""
    lanes = _lanes(session, pairs, places)
    if len(lanes) < 2:
        return None
    nodes: list[Node] = []
    lines: list[Line] = []
    drawn: dict[int, tuple[PairRow, Node]] = {}
    recent = sorted(pairs, key=lambda pair: pair.number)[-_MOST_PAIRS:]
    for column, pair in enumerate(recent):
        parent = drawn[pair.parent][1] if pair.parent in drawn else None
        node = _node(pair, lanes, _MARGIN + column * _STEP, parent)
        if parent:
            lines.append(Line(parent.x, parent.y, node.x, node.y, parent.y != node.y))
        nodes.append(node)
        drawn[pair.number] = (pair, node)
    _add_other_holders(lanes, places, list(drawn.values()), nodes, lines)
    return PairTree(
        list(lanes.values()), nodes, lines, 2 * _MARGIN + len(recent) * _STEP, len(lanes) * _LANE + 8
    )


def _holder(address: str | None, agent: str | None) -> _Holder:
    """Return what a holder's places have in common: the network, the browser and the system, whatever its version.

    Unlike `risk_signals.is_elsewhere`, IPv4 and IPv6 are two holders: each place belongs on one line, and a drawing that
    shows a thief beside the user is better than one that hides him.
    """
    browser = user_agents.meaning(agent or "")
    return addresses.household(address), browser.family, browser.system


def _lanes(session: SessionRow, pairs: Sequence[PairRow], places: Sequence[Place]) -> dict[_Holder, Lane]:
    """Return the holders, the one who signed in first."""
    lanes: dict[_Holder, Lane] = {}
    for address, agent in [
        (session.address, session.agent),
        *((place.address, place.agent) for place in places),
        *((pair.asked_address, pair.asked_agent or "") for pair in reversed(pairs)),
    ]:
        key = _holder(address, agent)
        if address and key not in lanes and len(lanes) < _MOST_LANES:
            number = len(lanes) + 1
            lanes[key] = Lane(number, address, agent, number * _LANE - _LANE // 2 + 4)
    return lanes


def _node(pair: PairRow, lanes: dict[_Holder, Lane], x: int, parent: Node | None) -> Node:
    """Return the node of a pair."""
    first = next(iter(lanes.values()))
    given = f"Pair {pair.number}" + (f", given for pair {pair.parent}" if pair.parent else "")
    address, agent = (
        (pair.seen_address, pair.seen_agent) if pair.seen_at else (pair.asked_address, pair.asked_agent)
    )
    lane = lanes.get(_holder(address, agent))
    y = lane.y if lane else parent.y if parent else first.y
    holder = str(lane.number) if lane else "another holder"
    if not pair.seen_at:
        return Node(x, y, str(pair.number), f"{given}: asked for by {holder}, never shown", "neutral")
    kind = "success" if lane in (None, first) else "danger"
    return Node(x, y, str(pair.number), f"{given}: first shown by {holder}", kind)


def _add_other_holders(
    lanes: dict[_Holder, Lane],
    places: Sequence[Place],
    drawn: list[tuple[PairRow, Node]],
    nodes: list[Node],
    lines: list[Line],
) -> None:
    """Add holders who used a pair that another holder showed first: each is a branch without a next node."""
    taken = {node.y for node in nodes}
    for place in places:
        lane = lanes.get(_holder(place.address, place.agent))
        shown = [(pair, node) for pair, node in drawn if pair.seen_at]
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
