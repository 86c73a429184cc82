"""Packaging of shopforum. What it needs is written once, in requirements/*.in, and its version once, here."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent


def requirements(name: str) -> list[str]:
    """The packages that requirements/NAME.in declares, without their pins: those are for the locks."""
    lines = (HERE / "requirements" / f"{name}.in").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-"))]


setup(
    name="shopforum",
    version="0.2.0",
    description="A store and forums over FusionAuth, with login sessions that are seen, ended and trusted",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    license_files=["LICENSE"],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Web Environment",
        "Framework :: Pyramid",
        "Intended Audience :: Developers",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Topic :: Internet :: WWW/HTTP :: Session",
        "Topic :: Security",
        "Topic :: System :: Systems Administration :: Authentication/Directory",
        "Typing :: Typed",
    ],
    python_requires=">=3.11",
    packages=find_packages(include=["shopforum", "shopforum.*"]),
    # Templates, static files, and the links to alembic/ and the ini files: data of the package `shopforum`, found by
    # importlib.resources. Folders of data are no packages, so each is named by what lies in it.
    package_data={
        "shopforum": [
            "py.typed",
            "deployment/*.ini",
            "deployment/alembic/*.py",
            "deployment/alembic/*.mako",
            "deployment/alembic/versions/*.py",
        ],
        "": ["templates/**/*.jinja2", "templates/*.txt", "static/**/*"],
    },
    include_package_data=False,
    install_requires=requirements("prod"),
    extras_require={"dev": requirements("dev")},
    entry_points={
        "paste.app_factory": ["main = shopforum:main"],
        "paste.composite_factory": ["hosts = shopforum.hosts:factory"],
        "paste.server_runner": ["main = shopforum.serving:serve"],
        "console_scripts": ["shopforum = shopforum.cli:main"],
    },
)
