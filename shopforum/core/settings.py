"""Declared settings: fields of a dataclass, read from an ini file and the environment.

    @dataclass(frozen=True, kw_only=True)
    class LoginSettings:
        longest_wait: float = setting("login.longest_wait", 900.0, "seconds; waits double up to this", least=1)

    read(LoginSettings, raw).longest_wait

A declaration has the key, its type, default and bounds, and one line of meaning. The value, the errors, the name of the
environment variable and the page docs/settings.md come from it. No error message contains a value: it may be a secret.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

PREFIX = "SHOPFORUM_"
# Variables of the test suite, which no site reads.
_TEST_PREFIX = "SHOPFORUM_TEST_"
_TRUE = {"true", "t", "yes", "y", "on", "1"}
_FALSE = {"false", "f", "no", "n", "off", "0", ""}

T = TypeVar("T")


class SettingsError(ValueError):
    """A setting is missing, unknown or invalid. The message names the key, never its value."""


@dataclass(frozen=True)
class Setting:
    """One key. `default` None: the key must be set, unless it is `optional`. `convert` turns the text into the value, and
    raises ValueError with the rule that the text breaks: "must be an e-mail address".
    """

    key: str
    meaning: str
    convert: Callable[[str], Any]
    kind: str
    default: Any = None
    optional: bool = False
    secret: bool = False
    # False for the key that names the site: one variable cannot set it for all sites.
    in_environment: bool = True

    @property
    def variable(self) -> str:
        """The environment variable that sets the key for all sites: `idp.api_key` is SHOPFORUM_IDP_API_KEY."""
        return variable(self.key)

    def read(self, raw: Mapping[str, str]) -> Any:
        """Return the value of the key. Raises SettingsError."""
        text = raw.get(self.key, "").strip()
        if not text:
            if self.default is None and not self.optional:
                where = f" or as {self.variable}" if self.in_environment else ""
                raise SettingsError(f"{self.key} is missing: set it in the ini file{where}")
            return self.default
        try:
            return self.convert(text)
        except ValueError as error:
            raise SettingsError(f"{self.key} {error}") from None


def setting(
    key: str,
    default: Any,
    meaning: str,
    *,
    least: float | None = None,
    most: float | None = None,
    of: Iterable[str] = (),
    convert: Callable[[str], Any] | None = None,
    kind: str = "",
    optional: bool = False,
    secret: bool = False,
    in_environment: bool = True,
) -> Any:
    """Declare a field of a settings dataclass, which must be frozen and `kw_only`.

    The type is that of `default`: a bool, an int or a float from `least` to `most`, a str, or a tuple of words. `of`
    lists the allowed values or words. A key with the default None must be set, or may be left out if it is `optional`.
    For any other type, `convert` is the function that reads the text, and `kind` its name in the documentation.
    """
    of = tuple(of)
    if convert is None:
        convert, kind = _converter(default, least, most, of)
    declared = Setting(key, meaning, convert, kind, default, optional, secret, in_environment)
    metadata = {"setting": declared}
    if default is None and not optional:
        return field(repr=not secret, metadata=metadata)
    return field(default=default, repr=not secret, metadata=metadata)


def settings_of(cls: Any) -> tuple[Setting, ...]:
    """Return the settings that a dataclass declares, in order."""
    return tuple(one.metadata["setting"] for one in fields(cls) if "setting" in one.metadata)


def find(cls: Any, key: str) -> Setting:
    """Return the setting of a dataclass that has this key."""
    return next(one for one in settings_of(cls) if one.key == key)


def read(cls: type[T], raw: Mapping[str, str], **more: Any) -> T:
    """Make a settings dataclass from text. `more` are values of fields that no key sets. Raises SettingsError."""
    declared = {one.name: one.metadata["setting"] for one in fields(cls) if "setting" in one.metadata}  # type: ignore[arg-type]
    return cls(**{name: one.read(raw) for name, one in declared.items()}, **more)


def variable(key: str, site: str = "") -> str:
    """Return the environment variable of a key, for all sites or for one: `sessions.idle` of the site `admin` is
    SHOPFORUM_ADMIN_SESSIONS_IDLE.
    """
    name = key.removeprefix("shopforum.").upper().replace(".", "_").replace("-", "_")
    return PREFIX + (f"{site.upper()}_" if site else "") + name


def from_environment(declared: Iterable[Setting], site: str) -> dict[str, str]:
    """Return the values of these keys that the environment sets for a site. Raises SettingsError.

    The variable of the site takes precedence over the variable of all sites. Either may be set as `..._FILE` instead: the
    path of a file with the value, so that secrets need not be in a container's environment.
    """
    found = {}
    for one in declared:
        if not one.in_environment:
            continue
        for name in (variable(one.key, site), one.variable):
            value = _value(name)
            if value is not None:
                found[one.key] = value
                break
    return found


def refuse_unknown(raw: Mapping[str, str], declared: Iterable[Setting]) -> None:
    """Refuse an undeclared key whose prefix is that of a declared key, or similar. Raises SettingsError.

    Otherwise a misspelt key would be ignored, and the default would apply without a warning.
    """
    known = {one.key for one in declared}
    prefixes = {key.partition(".")[0] for key in known}
    for key in sorted(raw):
        prefix, dot, _ = key.partition(".")
        # Other packages have keys in the same section: pyramid.includes.
        if dot and key not in known and get_close_matches(prefix, prefixes, 1, 0.8):
            raise SettingsError(f"{key} is not a setting{_nearest(key, known)}")


def refuse_unknown_variables(declared: Iterable[Setting], sites: Iterable[str]) -> None:
    """Refuse a SHOPFORUM_ variable that belongs to no key. Raises SettingsError."""
    names = [variable(one.key, site) for one in declared if one.in_environment for site in ("", *sites)]
    known = {name + ending for name in names for ending in ("", "_FILE")}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and not name.startswith(_TEST_PREFIX) and name not in known:
            raise SettingsError(f"the environment variable {name} is not a setting{_nearest(name, known)}")


def shown(value: Any) -> str:
    """Format a default as an ini file has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return " ".join(value)
    if isinstance(value, float):
        return f"{value:g}" if value < 1e6 else f"{value:.0f}"
    return "" if value is None or value is MISSING else str(value)


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), 1)
    return f": did you mean {near[0]}?" if near else "; docs/settings.md lists them all"


def _value(name: str) -> str | None:
    """Return the value of a variable, or the content of the file that its `_FILE` names. Raises SettingsError."""
    value, path = os.environ.get(name), os.environ.get(f"{name}_FILE")
    if path is None:
        return value
    if value is not None:
        raise SettingsError(f"{name} and {name}_FILE are both set: remove one of them")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SettingsError(f"{name}_FILE: the file cannot be read ({why})") from None


def _converter(
    default: Any, least: float | None, most: float | None, of: tuple[str, ...]
) -> tuple[Callable[[str], Any], str]:
    """Return the function that reads a setting with this default, and the name of its type."""
    if isinstance(default, bool):
        return _switch, "true or false"
    if isinstance(default, (int, float)):
        bounds = "".join(
            [
                f", from {shown(least)}" if least is not None else "",
                f" to {shown(most)}" if most is not None else "",
            ]
        )
        kind = "whole number" if isinstance(default, int) else "number"
        return lambda text: _number(text, type(default), kind, least, most), kind + bounds
    if isinstance(default, tuple):
        return lambda text: _words(text, of), "words" + (f" of {', '.join(of)}" if of else "")
    if of:
        return lambda text: _one_of(text, of), f"one of {', '.join(of)}"
    return str, "text"


def _switch(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("must be true or false")


def _number(text: str, kind: type, name: str, least: float | None, most: float | None) -> float:
    try:
        value: float = kind(text)
    except ValueError:
        raise ValueError(f"must be a {name}") from None
    # In this form NaN is refused too: each comparison with it is false.
    if not ((least is None or value >= least) and (most is None or value <= most)):
        bounds = [f"{edge:,}" for edge in (least, most) if edge is not None]
        raise ValueError(f"must be from {' to '.join(bounds)}")
    return value


def _words(text: str, of: tuple[str, ...]) -> tuple[str, ...]:
    words = tuple(text.split())
    if of and not set(words) <= set(of):
        raise ValueError(f"must be of {', '.join(of)}")
    return words


def _one_of(text: str, of: tuple[str, ...]) -> str:
    if text not in of:
        raise ValueError(f"must be one of {', '.join(of)}")
    return text
