"""Installations of the wheel with production's lock alone, outside the checkout, used by somebody without rights there."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support import APPLICATIONS, TENANT, Idp

from shopforum.core.sites import SITES
from shopforum.dev.postgres import as_nobody

PROJECT = Path(__file__).resolve().parents[2]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


def install_options() -> list[str]:
    """Return the options with which the Makefile installs a lock."""
    command = ["make", "--silent", "--eval", "print: ; @echo '$(INSTALL) --require-hashes'", "print"]
    printed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split()
    return printed[printed.index("install") :]


@dataclass(frozen=True)
class Installation:
    """A virtual environment with the wheel and production's packages, and a folder to work in."""

    bin: Path
    work: Path
    environ: Mapping[str, str]

    def command(self, program: str, *arguments: object) -> list[str]:
        # The Python of this machine may lie below folders that are root's alone, so nobody may look everywhere.
        return [*as_nobody("dac_read_search"), str(self.bin / program), *(str(one) for one in arguments)]

    def run(self, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run a program of the installation to its end."""
        command = self.command(program, *arguments)
        return subprocess.run(
            command,
            cwd=self.work,
            env=dict(self.environ),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def shopforum(self, *arguments: object) -> str:
        """Run the command line; it must succeed. Returns what it printed."""
        done = self.run("shopforum", *arguments)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def running(self, program: str, *arguments: object) -> Iterator[subprocess.Popen[bytes]]:
        """Run a program for as long as the block lasts; its output is in `work`/log."""
        with (self.work / "log").open("ab") as log:
            process = subprocess.Popen(
                self.command(program, *arguments),
                cwd=self.work,
                env=dict(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            finally:
                process.kill()


@dataclass(frozen=True)
class Built:
    """The source distribution, the wheel that was built from it, and what the builds said."""

    sdist: Path
    wheel: Path
    said: str


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Both distributions, built from a copy of the checkout: building in it would leave a folder there."""
    copy = tmp_path_factory.mktemp("build")
    for path in PROJECT.iterdir():
        if path.is_file():
            shutil.copy(path, copy)
    for name in ("shopforum", "alembic", "requirements", "docs", "bench", "deploy", "tests", "typings"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / name, copy / name, symlinks=True, ignore=ignored)
    build = "from setuptools import build_meta; print(build_meta.build_sdist('dist'))"
    said = _said([sys.executable, "-c", build], copy)
    (sdist,) = (copy / "dist").glob("*.tar.gz")
    options = ["-v", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(sdist.parent)]
    said += _said([sys.executable, "-m", "pip", "wheel", *options, str(sdist)], copy)
    (wheel,) = sdist.parent.glob("*.whl")
    return Built(sdist, wheel, said)


def _said(command: list[str], folder: Path) -> str:
    # The machine decides whether bytecode is written, and the build would warn about it.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="session")
def environment(built: Built) -> Iterator[Path]:
    """A virtual environment with the wheel and what production's lock names, as the lock is installed."""
    with TemporaryDirectory(prefix="shopforum-installed-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        venv = folder / "venv"
        # Without pip: what is there is what was locked.
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
        (site,) = venv.glob("lib/python*/site-packages")
        for what in (["-r", str(PROJECT / "requirements" / "prod.txt")], ["--no-index", str(built.wheel)]):
            options = [one for one in install_options() if what[0] == "-r" or one != "--require-hashes"]
            python = ["--python", str(venv)]
            done = subprocess.run(
                [*PIP, *python, *options, *what], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
        assert (site / "shopforum").is_dir()
        yield venv


@pytest.fixture
def installed(environment: Path, database_url: str, idp: Idp, clean: None) -> Iterator[Installation]:
    """The installation, with the settings of a deployment in its environment."""
    with TemporaryDirectory(prefix="shopforum-work-") as name:
        work = Path(name)
        work.chmod(0o777)
        environ = {
            "PATH": os.environ["PATH"],
            "LANG": "C",
            "HOME": "/nonexistent",
            "SHOPFORUM_SECRET": "tests-only-0123456789-0123456789-0123456789",
            "SHOPFORUM_DATABASE_URL": database_url,
            "SHOPFORUM_IDP_URL": idp.url,
            "SHOPFORUM_IDP_API_KEY": idp.api_key,
            "SHOPFORUM_IDP_TENANT_ID": TENANT,
            **{f"SHOPFORUM_{site.upper()}_URL": f"https://{site}.test" for site in SITES},
            **{f"SHOPFORUM_IDP_{site.upper()}_APPLICATION_ID": APPLICATIONS[site] for site in SITES},
            **{
                f"SHOPFORUM_IDP_{site.upper()}_CLIENT_SECRET": f"tests-only-client-secret-of-{site}"
                for site in SITES
            },
        }
        yield Installation(environment / "bin", work, environ)


@pytest.fixture
def ini(installed: Installation) -> Callable[..., Path]:
    """`ini(port=None)`: what `shopforum init` writes, on a port of its own."""

    def write(port: int | None = None) -> Path:
        path = installed.work / "production.ini"
        installed.shopforum("init", path)
        if port:
            text = path.read_text()
            path.write_text(re.sub(r"(?m)^listen = .*$", f"listen = 127.0.0.1:{port}", text))
        return path

    return write


def locked_names() -> set[str]:
    """The packages of production's lock for this Python, by their normal names."""
    from packaging.requirements import Requirement

    lines = (PROJECT / "requirements" / "prod.txt").read_text().splitlines()
    wanted = [Requirement(line.rstrip(" \\")) for line in lines if re.match(r"[a-z0-9]", line)]
    return {normal(one.name) for one in wanted if one.marker is None or one.marker.evaluate()}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def held(environment: Path) -> set[str]:
    """The packages of a virtual environment, by their normal names."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(environment), "list", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {normal(one["name"]) for one in json.loads(listed.stdout)}
