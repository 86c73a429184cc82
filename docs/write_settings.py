"""`make docs`: writes docs/settings.md from the declarations of the settings."""

from pathlib import Path

from shopforum import configuration
from shopforum.core.settings import Setting, shown
from shopforum.webhooks.settings import endpoint_settings

PAGE = Path(__file__).with_name("settings.md")
_HEAD = """# Settings

Every key of the ini file, from the declarations in the code by `make docs`. A key that is not here, or a
`SHOPFORUM_` variable that belongs to no key, stops the start, and the message names the most similar key.

A key may be set in several places. The later of these wins:

1. in the ini file: in `[app:base]` for the three sites, in `[app:store]`, `[app:forums]` or `[app:admin]` for one;
2. in the environment for all sites, as the variable in the table: `SHOPFORUM_SESSIONS_IDLE=1200`;
3. in the environment for one site, with its name behind `SHOPFORUM_`: `SHOPFORUM_ADMIN_SESSIONS_IDLE=600`.

Instead of a variable, the same name with `_FILE` is the path of a file that holds the value, as container secrets
are: `SHOPFORUM_SECRET_FILE=/run/secrets/shopforum`. Setting both is refused. In an ini file, each `%` of a value is
written twice. `shopforum check production.ini` reads everything as the sites do, and says what is wrong.

A key with an empty value has its default. Times are seconds. *Secret* keys never appear in a log or a message.
"""


def page() -> str:
    """The page's text."""
    parts = [_HEAD]
    for title, declared in configuration.groups().items():
        rows = [*declared, *(endpoint_settings("NAME") if title == "Webhooks" else ())]
        parts.append(f"\n## {title}\n\n| key, variable | type | default | what it is |\n|---|---|---|---|\n")
        parts.extend(_row(one) for one in rows)
    return "".join(parts)


def _row(one: Setting) -> str:
    names = f"`{one.key}`" + (f"<br>`{one.variable}`" if one.in_environment else "")
    return f"| {names} | {one.kind}{', secret' if one.secret else ''} | {_default(one)} | {one.meaning} |\n"


def _default(one: Setting) -> str:
    if one.default is None and not one.optional:
        return "required"
    text = "all" if isinstance(one.default, frozenset) else shown(one.default)
    console = configuration.CONSOLE_DEFAULTS.get(one.key)
    return (text or "none") + (f"; console: {console}" if console else "")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
