"""SQL over the tables of the session core stands in the core and in the operators' queries; docs/design.md says why.

A definition of *live* that is spelled out elsewhere is forgotten when the core's changes.
"""

import ast
import re
from functools import cache
from pathlib import Path

import shopforum
from shopforum.sessions import tables

ROOT = Path(shopforum.__file__).parent
TABLES = set(tables.metadata.tables)
OWNERS = ("sessions/", "operations/")

# Other files with such SQL, and the reason.
EXCEPTIONS = {
    "account/activity.py": "the owner's part of the audit log, joined with the owner's sessions",
    "account/new_device.py": "marks the other sessions in the statement that queues the question about a new one",
    "api_tokens/tokens.py": "a token's authority is its maker's: checked in the token's one statement",
    "cli/check_webhooks.py": "how far each endpoint is behind the head of the audit log",
    "dev/": "sample data and rehearsals write rows as no request would",
    "forums/inbox.py": "security notices, joined with the pointers to what each member has read",
    "login/reasons.py": "the page after an ended session shows what the admin wrote for the user",
    "login/resubmit.py": "a saved submission is given back by the sessions that its sender had",
    "schema.py": "collects the tables of all packages for the migrations",
    "webhooks/apply_event.py": "finds the sessions of an event in the transaction that takes the event",
    "webhooks/deliveries.py": "the audit log joined with how far each endpoint was told of it",
    "webhooks/outbound.py": "the audit log read from where each endpoint was told of it",
}

_IN_TEXT = re.compile(
    rf"\b(?:FROM|JOIN|INTO|UPDATE|ONLY)\s+({'|'.join(sorted(TABLES, key=len, reverse=True))})\b"
)


def test_sql_over_the_session_core_s_tables_stands_in_the_core_or_is_a_named_exception() -> None:
    found = {name: used for path in ROOT.rglob("*.py") if (used := _used(path)) and (name := _name(path))}
    strays = {name: used for name, used in found.items() if not name.startswith((*OWNERS, *EXCEPTIONS))}
    assert strays == {}


def test_every_exception_is_one() -> None:
    names = [_name(path) for path in ROOT.rglob("*.py") if _used(path)]
    assert [key for key in EXCEPTIONS if not any(name.startswith(key) for name in names)] == []


def test_the_state_of_a_session_is_spelled_out_in_one_module() -> None:
    """The absolute end and a gate's instant are compared nowhere else."""
    spelled = re.compile(r"absolute_end\s*(?:<=|>)\s*(?:now|clock_timestamp)\(\)|g\.epoch\s*>\s*s\.epoch")
    found = {
        _name(path) for path in ROOT.rglob("*.py") if any(spelled.search(text) for text in _nodes(path)[0])
    }
    assert found == {"sessions/live.py"}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _nodes(path: Path) -> tuple[list[str], list[ast.ImportFrom]]:
    """The texts of a file, without what an f-string puts in, and its imports by name."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return texts, [node for node in nodes if isinstance(node, ast.ImportFrom)]


@cache
def _used(path: Path) -> set[str]:
    """The core's tables that a file names in SQL, as text or by SQLAlchemy Core."""
    texts, imports = _nodes(path)
    used = {name for text in texts for name in _IN_TEXT.findall(text)}
    for node in imports:
        if (node.module or "").endswith("sessions.tables"):
            used |= {alias.name for alias in node.names}
        if (node.module or "").endswith("sessions"):
            used |= {alias.asname or alias.name for alias in node.names if alias.name == "tables"}
    return used
