"""What a wheel of shopforum holds."""

import subprocess
import sys
import zipfile
from pathlib import Path

from shopforum.migrations import FOLDER

PROJECT = FOLDER.parent


def test_a_wheel_has_every_template_and_static_file(tmp_path):
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", tmp_path]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, exported(tmp_path / "copy")], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    assert wanted() - held == set()
    assert not {name for name in held if name.startswith(("tests/", "alembic/"))}


def wanted() -> set[str]:
    package = PROJECT / "shopforum"
    files = [path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path.relative_to(PROJECT)) for path in files}


def exported(copy: Path) -> Path:
    """A copy of what is packaged: building in the checkout would leave a build folder there."""
    copy.mkdir()
    for name in ("setup.py", "pyproject.toml", "MANIFEST.in", "LICENSE"):
        (copy / name).write_bytes((PROJECT / name).read_bytes())
    for name in wanted():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes((PROJECT / name).read_bytes())
    return copy
