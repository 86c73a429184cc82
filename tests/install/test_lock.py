"""The locks: complete, no more than is used, and installed without a look at what is newest."""

import ast
import importlib.metadata
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from .conftest import PIP, PROJECT, install_options, locked_names, normal

# Used by name alone, or by packages that Pyramid imports.
UNIMPORTED = {"pyramid-jinja2", "setuptools"}


def declared(name: str) -> dict[str, Requirement]:
    lines = (PROJECT / "requirements" / f"{name}.in").read_text().splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {normal(one.name): one for one in found}


def needed(requirements: list[Requirement]) -> set[str]:
    """Everything that these packages need, by what their installed metadata says."""
    found, waiting = set(), [(normal(one.name), extra) for one in requirements for extra in ("", *one.extras)]
    seen = set()
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        found.add(name)
        for text in importlib.metadata.requires(name) or []:
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate({"extra": extra}):
                waiting += [(normal(one.name), wanted) for wanted in ("", *one.extras)]
    return found


def test_productions_lock_is_what_its_declarations_need_no_less_and_no_more():
    assert locked_names() == needed(list(declared("prod").values()))


def test_the_imports_of_production_are_declared_and_the_declared_packages_imported():
    owners = importlib.metadata.packages_distributions()
    imported: dict[str, str] = {}
    for path in (PROJECT / "shopforum").rglob("*.py"):
        if "dev" in path.relative_to(PROJECT / "shopforum").parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            for name in names:
                top = name.partition(".")[0]
                # `zope` is shared by several packages; it is zope.interface that is used.
                if top not in sys.stdlib_module_names | {"shopforum"}:
                    owner = "zope-interface" if name.startswith("zope.interface") else owners[top][0]
                    imported[normal(owner)] = str(path)
    assert set(imported) - set(declared("prod")) == set(), imported
    assert set(declared("prod")) - set(imported) == UNIMPORTED


@pytest.fixture
def shelf(tmp_path):
    """A folder of wheels, each package in an old release that works and a newer one that is broken."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    for name, requires in (("tested", "measured[toml]>=1"), ("measured", "")):
        for version in ("1.0", "2.0"):
            path = folder / f"{name}-{version}-py3-none-any.whl"
            info = f"{name}-{version}.dist-info"
            with zipfile.ZipFile(path, "w") as wheel:
                wheel.writestr(f"{name}.py", "" if version == "1.0" else "broken(")
                lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: toml\n"]
                lines += [f"Requires-Dist: {requires}\n"] if requires else []
                wheel.writestr(f"{info}/METADATA", "".join(lines))
                wheel.writestr(
                    f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
                )
                wheel.writestr(f"{info}/RECORD", "")
    return folder


def test_a_newer_release_of_a_locked_package_changes_nothing(shelf, tmp_path):
    lock = tmp_path / "lock.txt"
    digests = {
        name: sha256((shelf / f"{name}-1.0-py3-none-any.whl").read_bytes()).hexdigest()
        for name in ("tested", "measured")
    }
    # With the extra in the lock and without it: that made the difference once.
    for extra in ("", "[toml]"):
        lock.write_text(
            f"tested==1.0 --hash=sha256:{digests['tested']}\n"
            f"measured{extra}==1.0 --hash=sha256:{digests['measured']}\n"
        )
        target = tmp_path / f"target{extra}"
        where = ["--no-index", "--find-links", str(shelf), "--target", str(target)]
        done = subprocess.run(
            [*PIP, *install_options(), *where, "-r", str(lock)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert {path.name for path in target.glob("*.dist-info")} == {
            "tested-1.0.dist-info",
            "measured-1.0.dist-info",
        }


@pytest.mark.parametrize("name", ["prod", "dev", "test"])
def test_a_lock_pins_everything_with_hashes_and_names_no_registry(name):
    text = (PROJECT / "requirements" / f"{name}.txt").read_text()
    entries = text.replace("\\\n", " ").splitlines()
    pinned = [line for line in entries if line and not line.lstrip().startswith("#")]
    assert pinned
    assert all("==" in line and "--hash=sha256:" in line for line in pinned)
    assert "://" not in text


def test_the_larger_locks_hold_the_smaller_at_the_same_versions():
    def pins(name):
        lines = (PROJECT / "requirements" / f"{name}.txt").read_text().splitlines()
        return {line.partition(";")[0].strip(" \\") for line in lines if line[:1].isalnum()}

    assert pins("prod") <= pins("dev") <= pins("test")


def test_the_checkout_is_where_the_links_of_the_package_point():
    deployment = PROJECT / "shopforum" / "deployment"
    assert (deployment / "alembic").resolve() == PROJECT / "alembic"
    assert {path.name for path in deployment.iterdir()} == {"alembic", "development.ini", "production.ini"}
    assert all(Path(path).is_symlink() for path in deployment.iterdir())
