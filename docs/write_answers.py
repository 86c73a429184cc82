"""Write docs/fusionauth-answers.md from `shopforum.dev.idp.answers`: part of `make docs`. `--print` writes it to stdout."""

import sys
from pathlib import Path

from shopforum.dev.idp.answers import ANSWERS, PATHS, REACTIONS

PAGE = Path(__file__).parent / "fusionauth-answers.md"
HEAD = """# FusionAuth's answers

The answers that FusionAuth may give to the calls of the sites, and the reaction of the sites. Written by `make docs` from
`shopforum/dev/idp/answers/`; `tests/idp/test_answers.py` checks each reaction. The development identity provider gives any of
them once: `POST /hooks/answer {"answer": "login: user locked"}`. *Source* says who describes the answer: FusionAuth's *docs* (the
page), an *issue* in its tracker, or an official *client*; *assumed* is our own reading.
"""


def main() -> None:
    """Write the page, or print it."""
    if "--print" in sys.argv:
        sys.stdout.write(page())
    else:
        PAGE.write_text(page())


def page() -> str:
    """Return the page: one table for each call."""
    parts = [HEAD]
    for call, (method, path) in PATHS.items():
        parts.append(f"## {call.capitalize()}: `{method} {path}`\n")
        parts.append("| case | status | body | reaction | edition | source |\n|---|---|---|---|---|---|")
        parts[-1] += "".join(
            f"\n| {one.case} | {one.status} | {_body(one.body)} | {REACTIONS[one.reaction]} | {one.edition} | {one.source} |"
            for one in ANSWERS
            if one.call == call
        )
        parts[-1] += "\n"
    return "\n".join(parts)


def _body(body: object) -> str:
    """Say in a few words what a body holds."""
    if not body:
        return "empty" if body is None else "`{}`"
    if not isinstance(body, dict):
        return "text"
    groups = [body.get("generalErrors") or [], *(body.get("fieldErrors") or {}).values()]
    codes = [error["code"] for group in groups for error in group]
    return ", ".join(f"`{name}`" for name in (codes or body))


if __name__ == "__main__":
    main()
