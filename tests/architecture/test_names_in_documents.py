"""Every name and every number that a document takes from the code is still there, and still the same."""

import ast
import importlib
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from pyramid.request import Request as PyramidRequest

from shopforum import configuration
from shopforum.webhooks.settings import endpoint_settings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(path for path in sorted((ROOT / "docs").glob("*.md")) if path.name != "settings.md"),
]
# Fields of JSON and of FusionAuth's configuration, and files outside the repository.
FOREIGN = {
    "oauthConfiguration.enabledGrants",
    "passwordlessConfiguration.enabled",
    "reason.text",
    "reason.user_text",
    "robots.txt",
}
EXTENSIONS = (
    ".py",
    ".md",
    ".ini",
    ".jinja2",
    ".css",
    ".js",
    ".toml",
    ".txt",
    ".yml",
    ".in",
    ".json",
    ".sh",
    ".conf",
    ".cfg",
    ".sql",
    ".service",
)
SECONDS = {
    "ms": 0.001,
    "s": 1,
    "seconds": 1,
    "minutes": 60,
    "minute": 60,
    "hours": 3600,
    "hour": 3600,
    "days": 86400,
}

_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+(?:\(\))?")
# "300 seconds (`queue.LONGEST_WAIT`)": the number and the constant that it was copied from.
_NUMBER = re.compile(
    r"(\d[\d,]*(?:\.\d+)?)(?: (ms|s|seconds?|minutes?|hours?|days))?[^`\n(]{0,40} \(`(\w+(?:\.\w+)*\.[A-Z_]+)`\)"
)


@cache
def modules() -> dict[str, dict[str, set[str]]]:
    """For each module its top-level names, each with the names inside it where it is a class."""
    found: dict[str, dict[str, set[str]]] = {}
    for path in sorted((ROOT / "shopforum").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = names(ast.parse(path.read_text()).body)
    return found


def names(body: list[ast.stmt]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for node in body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = set(names(node.body))
        elif isinstance(node, ast.FunctionDef):
            found[node.name] = set()
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = set()
        elif isinstance(node, ast.Assign):
            named = [one for target in node.targets for one in getattr(target, "elts", [target])]
            found |= {target.id: set() for target in named if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: set() for alias in node.names}
    return found


@cache
def classes() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for module in modules().values():
        for name, inner in module.items():
            found[name] |= inner
    return found


@cache
def settings() -> set[str]:
    declared = [
        *(one for group in configuration.groups().values() for one in group),
        *endpoint_settings("NAME"),
    ]
    return {one.key for one in declared} | {"sessions.site", "sessions.secret", "sessions.sites"}


@cache
def sources() -> str:
    code = "\n".join(path.read_text() for path in (ROOT / "shopforum").rglob("*.py"))
    directives = re.findall(r'add_directive\("(\w+)"|add_request_method\([^"\n]*"(\w+)"', code)
    return code + "".join(f'"{name}"' for pair in directives for name in pair if name)


@cache
def files() -> list[str]:
    return [
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*")
        if path.is_file() and ".venv" not in path.parts
    ]


def resolves(span: str) -> bool:
    name = span.removesuffix("()")
    first, _, rest = name.partition(".")
    if name in FOREIGN or name in settings() or any(key.startswith(f"{name}.") for key in settings()):
        return True
    if name.endswith(EXTENSIONS):
        return any(file == name or file.endswith(f"/{name}") for file in files())
    if any(in_module(module, name) for module in modules()):
        return True
    if first in classes() and rest in classes()[first]:
        return True
    if first == "request":
        return rest in classes()["Request"] or hasattr(PyramidRequest, rest) or f'"{rest}"' in sources()
    if first in ("config", "services", "registry"):
        return f'"{rest}"' in sources() or rest in classes()["Services"]
    if first == "ui":
        macros = (ROOT / "shopforum/templates/macros.jinja2").read_text()
        return f"macro {rest}(" in macros or re.search(rf"% set [\w, ]*\b{rest}\b", macros) is not None
    # A log event, a wire name or a class of the stylesheet stands in the code as it is.
    return f'"{name}"' in sources() or any(
        f".{rest}" in sheet.read_text() for sheet in (ROOT / "shopforum/static").glob("*.css")
    )


def in_module(module: str, name: str) -> bool:
    """Return True if `name` is this module, by the end of its path, or something in it."""
    for cut in range(name.count(".") + 1):
        parts = name.split(".")
        path, inner = ".".join(parts[: len(parts) - cut]), parts[len(parts) - cut :]
        if not (module == path or module.endswith(f".{path}")):
            continue
        held = modules()[module]
        if not inner or (inner[0] in held and (len(inner) == 1 or inner[1] in held[inner[0]])):
            return True
    return False


def value_of(name: str) -> float:
    """The value of a module's constant, or of a class's: `Scope.MOST`."""
    path, _, constant = name.rpartition(".")
    holders = [one for one in modules() if one == path or one.endswith(f".{path}")]
    if not holders:
        [module] = [one for one, held in modules().items() if constant in held.get(path, ())]
        return float(getattr(getattr(importlib.import_module(module), path), constant))
    [module] = holders
    return float(getattr(importlib.import_module(module), constant))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_name_in_a_document_is_in_the_code(document: Path):
    spans = {span for span in _SPAN.findall(document.read_text()) if _DOTTED.fullmatch(span)}
    assert sorted(span for span in spans if not resolves(span)) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_number_from_the_code_is_the_codes(document: Path):
    text = document.read_text()
    assert [span for span in _SPAN.findall(text) if re.fullmatch(r"[\d.,]+", span)] == [], (
        "a number in backticks names no constant: write 300 s (`module.CONSTANT`)"
    )
    for number, unit, name in _NUMBER.findall(text):
        scale = 1 if name.endswith("DAYS") else SECONDS.get(unit, 1)
        assert float(number.replace(",", "")) * scale == value_of(name), (number, name)


def test_numbers_are_found():
    assert sum(len(_NUMBER.findall(document.read_text())) for document in DOCUMENTS) > 10


def test_the_diagrams_are_drawn_from_the_code():
    import runpy

    page = ROOT / "docs" / "architecture.md"
    draw = runpy.run_path(str(ROOT / "docs" / "write_diagrams.py"))["written"]
    assert page.read_text() == draw(page.read_text()), "run `make docs`"
