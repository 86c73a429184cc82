"""The files of one `shopforum dev` instance: its ini file, made from development.ini, its API token, and dev.json."""

import os
import re
import secrets
from configparser import RawConfigParser
from importlib.resources import files
from pathlib import Path
from typing import Any

from pyramid.settings import aslist

from shopforum.api_tokens import tokens
from shopforum.api_tokens.tokens import Actor
from shopforum.core.database import Database
from shopforum.core.engine import create_engine
from shopforum.core.sites import SITES
from shopforum.sessions.audit import Client
from shopforum.sessions.keyring import Keyring

from . import sample

_TEMPLATE = files("shopforum") / "deployment" / "development.ini"
_SECRETS = ("shopforum.secret", "idp.api_key", *(f"idp.{site}.client_secret" for site in SITES))


def write_ini(folder: Path, port: int, idp_port: int, database: str, scheme: str = "http") -> Path:
    """Write `folder`/shopforum.ini for these ports and this database; `scheme` is http or https. Secrets of an earlier start
    are kept.
    """
    path = folder / "shopforum.ini"
    earlier = base_settings(path) if path.exists() else {}
    values = {name: earlier.get(name) or secrets.token_urlsafe(32) for name in _SECRETS}
    values |= {f"shopforum.{site}_url": f"{scheme}://{site}.localhost:{port}" for site in SITES}
    values |= {
        "database.url": database.replace("%", "%%"),
        # By address: on some machines the name localhost means ::1 first, where another process may listen.
        "idp.url": f"http://127.0.0.1:{idp_port}",
        "listen": f"127.0.0.1:{port}",
        "mail.folder": str(folder / "mail").replace("%", "%%"),
    }
    write_private(path, _with_values(_TEMPLATE.read_text(encoding="utf-8"), values))
    return path


def base_settings(ini: Path) -> dict[str, str]:
    """Return the settings that the three sites of an ini file share, as text."""
    parser = RawConfigParser()
    parser.read(ini)
    return dict(parser["app:base"])


def api_token(folder: Path, ini: Path, database: str) -> str:
    """Return an API token with all scopes: the token of an earlier start while it is valid, or a new one."""
    path = folder / "api_token"
    keys = Keyring(aslist(base_settings(ini)["shopforum.secret"]))
    engine = create_engine(database, 1)
    try:
        known = path.read_text() if path.exists() else ""
        if tokens.is_valid(Database(engine), keys, known):
            return known
        actor = Actor("shopforum dev", Client(), initiating_entity="system")
        _, token = tokens.create(Database(engine), keys, "dev", tokens.SCOPES, None, actor)
    finally:
        engine.dispose()
    write_private(path, token)
    return token


def facts(ini: Path, idp_port: int, database: str, idp_pid: int, api_token: str) -> dict[str, Any]:
    """Return the content of dev.json: the facts that scripts and tests need."""
    idp, settings = f"http://localhost:{idp_port}", base_settings(ini)
    return {
        **{site: settings[f"shopforum.{site}_url"] for site in SITES},
        "idp": idp,
        "database": database,
        "pid": os.getpid(),
        "logins": [
            {
                "email": login.email,
                "password": login.password,
                "roles": {site: list(login.roles.get(site, ())) for site in SITES},
            }
            for login in sample.LOGINS
        ],
        "idp_api_key": settings["idp.api_key"],
        "idp_pid": idp_pid,
        "idp_hooks": f"{idp}/hooks",
        "ini": str(ini),
        "api_token": api_token,
    }


def write_private(path: Path, content: str) -> None:
    """Write a file that only its owner can read, in one step: it is never half written or readable by others."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(content)
    fresh.replace(path)


def _with_values(ini: str, values: dict[str, str]) -> str:
    """Return the text of an ini file with the values of some keys replaced. Raises ValueError unless each key appears once."""
    for name, value in values.items():
        before, key, after = re.split(rf"(?m)^({re.escape(name)} =).*$", ini)
        ini = f"{before}{key} {value}{after}"
    return ini
