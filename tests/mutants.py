"""Break each condition of the session core, and each status in FusionAuth's client, one at a time, and list the mutants that
no test notices.

`make mutants` runs it; `python tests/mutants.py records login_answers` breaks these modules only. A mutant is one edit of one
module: a condition of a statement becomes true (beside OR: false), `least` becomes `greatest`, a test of the rules becomes
true and false, a `case` never matches. In the client a status becomes another one. Each mutant runs the tests below in a fork of a process that has collected them, up
to the first one that fails; the tests that noticed the latest mutants come first. A mutant that takes three times as
long as the code itself is listed as `too late`: it waits for ever, or the machine is too busy. The exit status is the
number of survivors, 100 at most.
"""

import ast
import importlib
import inspect
import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FunctionType, ModuleType
from typing import Any

import pytest
from mutant_targets import CLIENT_MODULES, CORE, EQUIVALENT, FIRST, MODULES, ONLY, RULES, path_of

from shopforum.dev import postgres

ROOT = Path(__file__).resolve().parents[1]
SMALL = {"SHOPFORUM_TEST_RACES": "2", "SHOPFORUM_TEST_EXAMPLES": "10"}
# Seconds that any mutant may take.
SHORTEST = 30

# Where a condition of a statement begins, and what ends it outside of parentheses.
_BEGIN = re.compile(r"\b(?:WHERE|AND|OR|WHEN)\b|\(|\A")
_END = re.compile(
    r"[(){}]|\b(?:AND|OR|THEN|RETURNING|ORDER|LIMIT|GROUP|FOR|(?<!DISTINCT )FROM|SELECT|ON|LEFT|UPDATE|WHERE|END)\b|,|\"|\Z"
)


@dataclass(frozen=True)
class Mutant:
    """One edit: the bytes from `start` to `end` of a module become `new`."""

    module: str
    start: int
    end: int
    new: str

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.new.encode() + source[self.end :]

    def edit(self, source: bytes) -> str:
        """Return what it changes, on one line."""
        return f"{' '.join(source[self.start : self.end].decode().split())} -> {self.new}"

    def describe(self, source: bytes) -> str:
        line = source.count(b"\n", 0, self.start) + 1
        return f"{path_of(self.module)}:{line}: {self.edit(source)}"


def mutants(module: str, source: bytes) -> Iterator[Mutant]:
    """Yield every mutant of a module."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def at(node: Any, new: str) -> Mutant:
        start = starts[node.lineno - 1] + node.col_offset
        return Mutant(module, start, starts[node.end_lineno - 1] + node.end_col_offset, new)

    tree = ast.parse(source)
    if module in CLIENT_MODULES:
        # The lengths of texts in messages are no statuses.
        lengths = {
            part
            for node in ast.walk(tree)
            if isinstance(node, ast.Slice)
            or (isinstance(node, ast.Call) and ast.unparse(node.func) == "clean")
            for part in ast.walk(node)
        }
        for node in ast.walk(tree):
            match node:
                case ast.Constant(value=int() as status) if 200 <= status < 600 and node not in lengths:
                    yield at(node, str(status + 7))
        return
    documented = set()
    for node in ast.walk(tree):
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


def apply(mutant: Mutant | None) -> None:
    """Put a mutant into the modules that are loaded; without one, the code as it is.

    Others have imported the functions and classes: these stay the same objects and get the new code. Fragments of SQL went
    into the statements of other modules, which run again as well.
    """
    sources = {name: (ROOT / path_of(name)).read_bytes() for name in MODULES}
    changed = [mutant.module] if mutant else list(MODULES)
    if mutant:
        sources[mutant.module] = mutant.apply(sources[mutant.module])
    if "live" in changed:
        changed += [
            path.stem
            for path in sorted((ROOT / CORE).glob("*.py"))
            if b"from .live import" in path.read_bytes()
        ]
    for name in dict.fromkeys(changed):
        path = path_of(name)
        module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
        _run_again(module, sources.get(name) or (ROOT / path).read_bytes())


def _run_again(module: ModuleType, source: bytes) -> None:
    before = dict(vars(module))
    exec(compile(source, str(module.__file__), "exec"), vars(module))
    for name, old in before.items():
        new = vars(module)[name]
        if type(old) is object:
            # Others compare with it.
            setattr(module, name, old)
        elif getattr(old, "__module__", None) != module.__name__ and new is not old:
            # A constant, which others have imported.
            for other in [one for key, one in sys.modules.items() if key.startswith("shopforum.")]:
                if vars(other).get(name) is old:
                    setattr(other, name, new)
        if getattr(old, "__module__", None) != module.__name__:
            continue
        if isinstance(old, FunctionType):
            inspect.unwrap(old).__code__ = inspect.unwrap(new).__code__
        elif isinstance(old, type):
            for attribute, value in vars(new).items():
                if isinstance(value, FunctionType):
                    vars(old)[attribute].__code__ = value.__code__
                elif isinstance(value, property):
                    setattr(old, attribute, value)
        else:
            continue
        setattr(module, name, old)


class _Worker:
    """A plugin of pytest: in place of running the tests once, it runs them on one mutant after the other."""

    def __init__(self, number: int, server: postgres.Server, queue: int, mutants: Sequence[Mutant]) -> None:
        self.number, self.server, self.queue, self.mutants = number, server, queue, mutants
        # pytest keeps what its own process prints.
        self.output = os.dup(1)
        # Seconds; the code itself takes as long as it takes.
        self.longest = 0
        # The tests that noticed the latest mutants, the newest first.
        self.likely: list[str] = []
        self.failed = ""
        self.survivors = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Tell tests/conftest.py which server runs, as pytest-xdist does for its workers."""
        told = {"server": asdict(self.server), "workerid": f"mutant{self.number}"}
        config.workerinput = told  # type: ignore[attr-defined]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = f"{report.nodeid}\0{report.longreprtext}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the code itself before and after all mutants that this worker gets hold of."""
        self._expect_good(session.items)
        while number := os.read(self.queue, 2):
            mutant = self.mutants[int.from_bytes(number)]
            how = self._outcome(mutant, session.items)
            self.survivors += how == "SURVIVES"
            source = (ROOT / path_of(mutant.module)).read_bytes()
            self._print(f"{how:8} {mutant.describe(source)}")
        self._expect_good(session.items)
        return True

    def _expect_good(self, items: Sequence[pytest.Item]) -> None:
        begin = time.monotonic()
        if self._outcome(None, items) != "SURVIVES":
            self._print(f"the tests fail without a mutant: {self.failed[-2000:]}")
            os._exit(100)
        self.longest = max(SHORTEST, round(3 * (time.monotonic() - begin)))

    def _print(self, line: str) -> None:
        os.write(self.output, f"{line}\n".encode())

    def _outcome(self, mutant: Mutant | None, items: Sequence[pytest.Item]) -> str:
        """Run the tests on a mutant; None is the code as it is. Return `SURVIVES`, `noticed` or `too late`."""
        self.failed = ""
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            signal.alarm(self.longest)
            os._exit(self._run(mutant, items, writer))
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            self.failed = pipe.read().decode()
        _, how = os.waitpid(child, 0)
        name = self.failed.partition("\0")[0]
        if name:
            self.likely = [name, *(one for one in self.likely if one != name)]
        if os.WIFSIGNALED(how) and os.WTERMSIG(how) == signal.SIGALRM:
            # It may have left locks, or a clock of its own.
            self.server.drop(f"test_mutant{self.number}")
            return "too late"
        return "noticed" if how else "SURVIVES"

    def _run(self, mutant: Mutant | None, items: Sequence[pytest.Item], writer: int) -> int:
        try:
            apply(mutant)
            todo = self._in_order(mutant, items)
            for item, following in zip(todo, [*todo[1:], None], strict=True):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if self.failed:
                    break
        except BaseException as error:  # noqa: BLE001 - a fork must not go on as its parent
            self.failed = f"\0{error!r}"
        os.write(writer, self.failed[:4000].encode())
        return 1 if self.failed else 0

    def _in_order(self, mutant: Mutant | None, items: Sequence[pytest.Item]) -> list[pytest.Item]:
        """Return the tests that may notice a mutant, the likeliest first."""
        names = (
            {item.nodeid.partition("::")[0] for item in items}
            if mutant is None
            else test_files(mutant.module)
        )
        files = {name: place for place, name in enumerate(names)}
        likely = {name: place for place, name in enumerate(self.likely)}
        chosen = [item for item in items if item.nodeid.partition("::")[0] in files]
        return sorted(
            chosen,
            key=lambda item: (likely.get(item.nodeid, len(likely)), files[item.nodeid.partition("::")[0]]),
        )


def test_files(module: str) -> list[str]:
    """Return the test files that may notice a mutant of a module, the likeliest first."""
    rules = (f"sessions/test_{test}" for test in RULES)
    names = ONLY.get(module) or (*FIRST.get(module, ()), *rules)
    return [f"tests/{name}.py" for name in dict.fromkeys(names)]


def main(names: Sequence[str], workers: int = 2) -> int:
    """Run the mutants of these modules and print the survivors. Returns how many there are."""
    chosen = []
    for module in names or MODULES:
        source = (ROOT / path_of(module)).read_bytes()
        made = dict.fromkeys(mutants(module, source))
        chosen += [mutant for mutant in made if (module, mutant.edit(source)) not in EQUIVALENT]
    queue, todo = os.pipe()
    os.write(todo, b"".join(number.to_bytes(2) for number in range(len(chosen))))
    os.close(todo)
    with TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name)
        os.environ |= SMALL | {"HYPOTHESIS_STORAGE_DIRECTORY": name}
        options = {
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "autovacuum": "off",
        }
        with postgres.running(folder / "server", options=options) as server:
            children = [_start(_Worker(number, server, queue, chosen)) for number in range(workers)]
            survivors = sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
    print(f"{survivors} of {len(chosen)} mutants survive")
    return min(survivors, 100)


def _start(worker: _Worker) -> int:
    """Start a worker's process, whose exit status is the number of survivors, 100 at most. Returns its id."""
    child = os.fork()
    if not child:
        # The output of pytest itself is of no use here.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        quiet = [
            "-n",
            "0",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:randomly",
            "--assert=plain",
            "--tb=line",
        ]
        files = (str(ROOT / name) for mutant in worker.mutants for name in test_files(mutant.module))
        pytest.main([*quiet, f"--rootdir={ROOT}", *dict.fromkeys(files)], plugins=[worker])
        os._exit(min(worker.survivors, 100))
    return child


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
