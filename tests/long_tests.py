"""The tests that take long: half of the time of all, for a twelfth of their number.

`make test` runs all tests, and `make test-quick` leaves these out.
"""

from pathlib import Path

_TESTS = Path(__file__).parent
# Folders and files, and what takes their time.
LONG = {
    "availability": "several servers that fail",
    "browser": "Chromium",
    "contract": "FusionAuth's clients",
    "failure": "servers and programs that hang, die and come back",
    "admin/test_access.py": "every route with every method",
    "admin/test_pages.py": "every page that another leads to",
    "admin/test_plans_of_queries.py": "every filter, with a crowd of rows",
    "api/test_schemathesis.py": "every operation, with whatever may be sent",
    "api/test_whole_filters.py": "crowds of sessions",
    "architecture/test_default_buttons.py": "Chromium",
    "architecture/test_indexes.py": "every statement of every page",
    "architecture/test_steps.py": "every job, with a crowd of rows",
    "attacks/test_forwarded.py": "a server of its own",
    "attacks/test_requests.py": "every page, with odd requests",
    "attacks/test_wire.py": "a server of its own",
    "cli/test_demo.py": "attacks on three sites",
    "cli/test_drill.py": "servers that are restored",
    "cli/test_session_tail.py": "programs that are interrupted",
    "plumbing/test_dev.py": "the whole of `make run`",
    "plumbing/test_migrations.py": "a database at each of its versions",
    "sessions/test_binding_races.py": "races",
    "sessions/test_machine.py": "any history of sessions",
    "sessions/test_processes.py": "several processes",
    "sessions/test_races.py": "races",
    "sessions/test_simulation.py": "hours of owners and thieves",
}


def is_long(path: Path) -> bool:
    """Return whether a test file takes long."""
    return any(path.is_relative_to(_TESTS / name) for name in LONG)
