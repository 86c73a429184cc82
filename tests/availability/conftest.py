"""The whole product over a cluster of PostgreSQL: `make ha`."""

import os
from pathlib import Path

import pytest

PATRONI = os.environ.get("SHOPFORUM_TEST_PATRONI", "")


@pytest.fixture(scope="session")
def patroni() -> Path:
    """The program. The tests here are skipped without it: they take minutes."""
    if not PATRONI:
        pytest.skip("make ha")
    return Path(PATRONI).resolve()
