"""Draws the diagrams of docs/architecture.md that come from the code: the floors and the states of a session.

`make docs` runs this; a test holds that the page is up to date.
"""

import re
import tomllib
from pathlib import Path

from shopforum.sessions.vocabulary import TRANSITIONS, State

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"


def floors() -> str:
    """The layers contract as a mermaid flowchart, the highest floor first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    lines = ["flowchart TD"]
    for number, layer in enumerate(layers):
        names = "<br>".join(name.strip() for name in layer.split("|"))
        lines.append(f'    floor{number}["{names}"]')
        if number:
            lines.append(f"    floor{number - 1} --> floor{number}")
    return "\n".join(lines)


def states() -> str:
    """The states of a session and what leads from one to the next, as a mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    for (before, after), why in TRANSITIONS.items():
        lines.append(f"    {before or '[*]'} --> {after}: {why}")
    lines += [f"    {state} --> [*]: purge" for state in (State.EXPIRED, State.REVOKED)]
    return "\n".join(lines)


def written(text: str) -> str:
    """The page with its diagrams drawn anew."""
    for name, draw in (("floors", floors), ("states", states)):
        block = f"<!-- {name}: written by make docs -->\n```mermaid\n{draw()}\n```\n<!-- /{name} -->"
        text, count = re.subn(
            rf"<!-- {name}: .*?<!-- /{name} -->", lambda _, block=block: block, text, flags=re.DOTALL
        )
        if count != 1:
            raise ValueError(f"{PAGE} has no place for the diagram {name}")
    return text


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
