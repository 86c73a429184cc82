"""What a wheel of shopforum holds, and that it builds without a warning."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
DEPLOYED = "shopforum/deployment"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """What the build said, and the wheel's names."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder]
    command = [sys.executable, "-m", "pip", "wheel", "-v", *options, exported(folder / "copy")]
    # Whether bytecode is written is the machine's affair, and the build would speak of it.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    return done.stdout + done.stderr, set(zipfile.ZipFile(wheel).namelist())


def test_a_wheel_has_every_file_of_the_package_the_migrations_and_the_ini_files(built):
    _, held = built
    wanted = {str(path.relative_to(PROJECT)) for path in files_below(PROJECT / "shopforum")}
    wanted |= {f"{DEPLOYED}/{path.relative_to(PROJECT)}" for path in files_below(PROJECT / "alembic")}
    assert wanted - held == set()
    assert {"shopforum/py.typed", f"{DEPLOYED}/production.ini", f"{DEPLOYED}/alembic/env.py"} <= wanted
    assert not {name for name in held if name.startswith(("tests/", "alembic/", "docs/", "bench/"))}


def test_the_build_says_nothing_that_should_worry_anybody(built):
    said, _ = built
    assert not [line for line in said.splitlines() if "warning" in line.lower() or "deprecat" in line.lower()]


def files_below(folder: Path) -> list[Path]:
    # A link to a folder is not followed: what is behind it is looked for where it lies.
    found = [path for path in folder.rglob("*") if "__pycache__" not in path.parts]
    return [path for path in found if path.is_file()]


def exported(copy: Path) -> Path:
    """A copy of what is packaged: building in the checkout would leave a build folder there."""
    copy.mkdir()
    for path in PROJECT.iterdir():
        if path.is_file():
            shutil.copy(path, copy)
    for name in ("shopforum", "alembic", "requirements", "docs", "bench", "tests"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / name, copy / name, symlinks=True, ignore=ignored)
    return copy
