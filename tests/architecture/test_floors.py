"""Imports go down the floors: the contracts of pyproject.toml, which `make lint` checks too."""

import subprocess
import sys
from pathlib import Path


def test_the_contracts_hold():
    """Production code that imports what only development needs would die where that is not installed."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
