"""The wheel and the source distribution are complete, and build without a warning."""

import tarfile
import zipfile
from pathlib import Path

from .conftest import PROJECT

DEPLOYED = "shopforum/deployment"


def test_a_wheel_has_every_file_of_the_package_the_migrations_and_the_ini_files(built):
    held = set(zipfile.ZipFile(built.wheel).namelist())
    wanted = {str(path.relative_to(PROJECT)) for path in files_below(PROJECT / "shopforum")}
    wanted |= {f"{DEPLOYED}/{path.relative_to(PROJECT)}" for path in files_below(PROJECT / "alembic")}
    assert wanted - held == set()
    assert {"shopforum/py.typed", f"{DEPLOYED}/production.ini", f"{DEPLOYED}/alembic/env.py"} <= wanted
    assert not {name for name in held if name.startswith(("tests/", "alembic/", "docs/", "bench/"))}


def test_a_source_distribution_has_what_the_tests_and_the_documents_need(built):
    with tarfile.open(built.sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    for folder in ("alembic", "requirements", "tests", "docs", "bench", "deploy"):
        kept = {
            path
            for path in files_below(PROJECT / folder)
            if path.suffix in {".py", ".txt", ".in", ".md", ".json", ".yaml"}
        }
        assert {str(path.relative_to(PROJECT)) for path in kept} - held == set()
    assert {"README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE", "Makefile", "production.ini"} <= held


def test_the_builds_say_nothing_that_should_worry_anybody(built):
    lines = built.said.splitlines()
    # The index of the machine is no part of the build.
    said = [line for line in lines if "Location" not in line]
    assert not [line for line in said if "warning" in line.lower() or "deprecat" in line.lower()]


def files_below(folder: Path) -> list[Path]:
    # A link to a folder is not followed: what is behind it is looked for where it lies.
    found = [path for path in folder.rglob("*") if "__pycache__" not in path.parts]
    return [path for path in found if path.is_file()]
