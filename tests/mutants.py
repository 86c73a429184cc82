"""Break each condition of the session core, and each status in FusionAuth's client, one at a time, and list the mutants that no test
notices.

`make mutants` runs it; `python tests/mutants.py records responses` breaks these modules only. A mutant is one edit of one
module: a condition of a statement becomes true (beside OR: false), `least` becomes `greatest`, a test of the rules becomes
true and false, a `case` never matches. In the client a status becomes another one. Each mutant runs the tests below in a process of its own, against one database
server for all. A mutant that is not done in time is listed as such: it waits for ever, or the machine is too busy. The exit
status is the number of survivors, 100 at most.
"""

import ast
import os
import re
import shutil
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis  # noqa: F401 - loaded once, for every mutant
import pytest
import webtest  # noqa: F401 - as well

ROOT = Path(__file__).resolve().parents[1]
CORE, CLIENT = "shopforum/sessions", "shopforum/idp"
MODULES = (
    *("rotation", "lookup", "records", "live", "revocation", "gate_sweep", "renewal", "resume"),
    *("binding", "binding_proof", "binding_headers", "binding_views"),
)
CLIENT_MODULES = ("fusionauth", "responses", "passkeys", "transport")
CLIENT_TESTS = ("idp/test_answers", "idp/test_fusionauth", "admin/test_break_glass")
# The quickest first: a mutant is done with at the first test that fails.
TESTS = (
    *(
        "conditions",
        "rotation",
        "binding_proofs",
        "binding_vectors",
        "binding",
        "binding_registration",
        "binding_renewals",
        "binding_ends",
        "quarantine",
        "pairs",
        "refresh",
        "lifetimes",
        "revocation",
        "corners",
        "in_flight",
    ),
    *("revocation_counter", "roles", "deny_rules", "flags", "gate_first", "risk_signals", "unclaimed"),
    *("rotation_search", "binding_races", "races"),
)
# The tests of some modules come before all others. Where a browser alone reaches a module, they are all that there is.
FIRST = {
    "binding": (
        "sessions/test_binding",
        "sessions/test_binding_registration",
        "sessions/test_binding_renewals",
        "sessions/test_binding_ends",
        "sessions/test_binding_races",
        "attacks/test_bound_sessions",
    ),
    "binding_proof": ("sessions/test_binding_proofs", "sessions/test_binding_vectors"),
    "binding_headers": ("attacks/test_bound_sessions",),
    "binding_views": ("attacks/test_bound_sessions",),
}
BROWSERS = ("binding_headers", "binding_views")
SMALL = {"SHOPFORUM_TEST_RACES": "2", "SHOPFORUM_TEST_EXAMPLES": "10"}
# Seconds.
LONGEST = 300

# Where a condition of a statement begins, and what ends it outside of parentheses.
_BEGIN = re.compile(r"\b(?:WHERE|AND|OR|WHEN)\b|\(|\A")
_END = re.compile(
    r"[(){}]|\b(?:AND|OR|THEN|RETURNING|ORDER|LIMIT|GROUP|FOR|(?<!DISTINCT )FROM|SELECT|ON|LEFT|UPDATE|WHERE|END)\b|,|\"|\Z"
)


def path_of(module: str) -> str:
    """Return the path of a module below the root."""
    return f"{CLIENT if module in CLIENT_MODULES else CORE}/{module}.py"


@dataclass(frozen=True)
class Mutant:
    """One edit: the bytes from `start` to `end` of a module become `new`."""

    module: str
    start: int
    end: int
    new: str

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.new.encode() + source[self.end :]

    def describe(self, source: bytes) -> str:
        line = source.count(b"\n", 0, self.start) + 1
        old = " ".join(source[self.start : self.end].decode().split())
        return f"{path_of(self.module)}:{line}: {old} -> {self.new}"


def mutants(module: str, source: bytes) -> Iterator[Mutant]:
    """Yield every mutant of a module."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def at(node: Any, new: str) -> Mutant:
        start = starts[node.lineno - 1] + node.col_offset
        return Mutant(module, start, starts[node.end_lineno - 1] + node.end_col_offset, new)

    if module in CLIENT_MODULES:
        tree = ast.parse(source)
        # The lengths of texts in messages are no statuses.
        lengths = {part for node in ast.walk(tree) if isinstance(node, ast.Slice) for part in ast.walk(node)}
        for node in ast.walk(tree):
            match node:
                case ast.Constant(value=int() as status) if 200 <= status < 600 and node not in lengths:
                    yield at(node, str(status + 7))
        return
    documented = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant() as text):
                documented.add(text)
            case ast.If(test=test) | ast.IfExp(test=test):
                yield from (at(test, new) for new in ("True", "False"))
            case ast.BoolOp(op=op, values=values):
                new = str(isinstance(op, ast.And))
                yield from (
                    at(value, new)
                    for value in values
                    if not isinstance(value, ast.Constant | ast.List | ast.Dict)
                )
            case ast.Return(value=ast.Compare() as test):
                yield from (at(test, new) for new in ("True", "False"))
            case ast.match_case(pattern=pattern, guard=None):
                end = at(pattern, "").end
                yield Mutant(module, end, end, " if False")
            case ast.JoinedStr(values=parts):
                documented.update(parts)  # the pieces of an f-string: it is taken whole
                yield from conditions(at(node, ""), source)
            case ast.Constant(value=str()) if node not in documented:
                yield from conditions(at(node, ""), source)


def conditions(literal: Mutant, source: bytes) -> Iterator[Mutant]:
    """Yield the mutants of a statement, or of a fragment of one. `literal` is where it stands in the source."""
    quotes = re.match(r'f?"+', source[literal.start : literal.end].decode()) or re.match("", "")
    assert quotes is not None
    shift = literal.start + quotes.end()
    text = source[shift : literal.end].decode().rstrip('"')
    for begin in _BEGIN.finditer(text):
        end = _end_of_condition(text, begin.end())
        word, last = begin.group(), end.group()
        # Behind a parenthesis and at the beginning stands a condition only where another one follows.
        if word in ("(", "") and last not in ("AND", "OR"):
            continue
        old = text[begin.end() : end.start()]
        start = shift + begin.end() + len(old) - len(old.lstrip())
        new = str("OR" not in (word, last)).lower()
        yield Mutant(literal.module, start, shift + begin.end() + len(old.rstrip()), new)
    for word in re.finditer(r"\bleast\b", text):
        yield Mutant(literal.module, shift + word.start(), shift + word.end(), "greatest")


def _end_of_condition(text: str, start: int) -> re.Match[str]:
    depth = 0
    for found in _END.finditer(text, start):
        if found.group() in ("(", "{"):
            depth += 1
        elif found.group() in (")", "}") and depth:
            depth -= 1
        elif not depth or not found.group():
            return found
    raise AssertionError("a text has an end")


class _Server:
    """Tells tests/conftest.py which server runs, as pytest-xdist does for its workers."""

    def __init__(self, server: dict[str, Any], worker: int) -> None:
        self.told = {"server": server, "workerid": f"mutant{worker}"}

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.workerinput = self.told  # type: ignore[attr-defined]


def test_files(module: str) -> list[str]:
    """Return the test files that may notice a mutant of a module, the likeliest first."""
    if module in CLIENT_MODULES:
        return [f"tests/{name}.py" for name in CLIENT_TESTS]
    names = [] if module in BROWSERS else [f"sessions/test_{test}" for test in TESTS]
    first = FIRST.get(module, ())
    files = [f"tests/{name}.py" for name in dict.fromkeys((*first, *names))]
    return [name for name in files if (ROOT / name).exists()]


def outcome(mutant: Mutant, copy: Path, server: dict[str, Any], worker: int) -> str:
    """Run the tests on a mutant in a process of its own. Return `SURVIVES`, `noticed` or `too late`."""
    path = copy / path_of(mutant.module)
    good = path.read_bytes()
    path.write_bytes(mutant.apply(good))
    child = os.fork()
    if not child:
        status = 1
        try:
            log = os.open(copy / "last.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(log, 1), os.dup2(log, 2)
            status = _run(copy, server, worker, test_files(mutant.module))
        except BaseException:  # noqa: BLE001 - to the log: a fork must not go on as its parent
            traceback.print_exc()
        finally:
            os._exit(status)
    _, how = os.waitpid(child, 0)
    path.write_bytes(good)
    if os.WIFSIGNALED(how) and os.WTERMSIG(how) == signal.SIGALRM:
        return "too late"
    return "noticed" if how else "SURVIVES"


def _run(copy: Path, server: dict[str, Any], worker: int, tests: Sequence[str]) -> int:
    signal.alarm(LONGEST)
    for name in [name for name in sys.modules if name.split(".")[0] == "shopforum"]:
        del sys.modules[name]
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(copy))
    os.chdir(copy)
    os.environ |= SMALL
    arguments = [
        "-x",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        "--assert=plain",
        "--tb=line",
        *tests,
    ]
    return int(pytest.main(arguments, plugins=[_Server(server, worker)]))


def main(names: Sequence[str], workers: int = 2) -> int:
    """Run the mutants of these modules and print the survivors. Returns how many there are."""
    from shopforum.dev import postgres

    chosen = {}
    for module in names or (*MODULES, *CLIENT_MODULES):
        source = (ROOT / path_of(module)).read_bytes()
        chosen |= {one: one.describe(source) for one in dict.fromkeys(mutants(module, source))}
    with TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name)
        options = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        with postgres.running(folder / "server", options=options) as server:
            folder.chmod(0o755)
            told = asdict(server)
            survivors = _share(list(chosen), chosen, folder, told, workers)
    print(f"{survivors} of {len(chosen)} mutants survive")
    return min(survivors, 100)


def _share(
    todo: list[Mutant], texts: dict[Mutant, str], folder: Path, server: dict[str, Any], workers: int
) -> int:
    """Run the mutants in so many processes at once; returns the number of survivors."""
    children = []
    for worker in range(workers):
        copy = folder / f"copy{worker}"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "pictures", "*.egg-info"))
        child = os.fork()
        if not child:
            found = 0
            for module in dict.fromkeys(mutant.module for mutant in todo):
                # The code as it is.
                if outcome(Mutant(module, 0, 0, ""), copy, server, worker) != "SURVIVES":
                    print(
                        "the tests fail without a mutant:",
                        (copy / "last.log").read_text()[-2000:],
                        flush=True,
                    )
                    os._exit(100)
            for mutant in todo[worker::workers]:
                how = outcome(mutant, copy, server, worker)
                found += how == "SURVIVES"
                print(f"{how:8}", texts[mutant], flush=True)
            os._exit(min(found, 100))
        children.append(child)
    return sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
