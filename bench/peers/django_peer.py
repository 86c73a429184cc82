"""Django with the middleware of `startproject`, sessions in the database that slide, and its own templates."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import django
from django.conf import settings

_SCHEMA = "bench_django"


def _configure(url: str) -> None:
    parts = urlsplit(url)
    settings.configure(
        SECRET_KEY="of the benchmark alone",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="bench.peers.django_urls",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
        ],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        SESSION_SAVE_EVERY_REQUEST=True,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": parts.path[1:],
                "USER": parts.username,
                "PASSWORD": unquote(parts.password or ""),
                "HOST": parts.hostname,
                "PORT": parts.port,
                "CONN_MAX_AGE": None,
                "OPTIONS": {"options": f"-c search_path={_SCHEMA},public"},
            }
        },
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [Path(__file__).parent / "templates"],
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ],
                    "libraries": {"shop": "bench.peers.django_tags"},
                },
            }
        ],
        LOGGING_CONFIG=None,
        USE_TZ=True,
    )
    django.setup()


def prepare(url: str, user_id: UUID, name: str) -> None:
    """Make the tables and the user."""
    _configure(url)
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")
    call_command("migrate", verbosity=0)
    User.objects.get_or_create(username=str(user_id), first_name=name)


def app(url: str) -> Callable[..., Any]:
    """Return the application."""
    _configure(url)
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()
