"""Read ini files. No error message contains a value, because it may be a password."""

import configparser
from collections.abc import Callable
from typing import TypeVar

from plaster import PlasterURL
from plaster_pastedeploy import Loader

from .settings import SettingsError

T = TypeVar("T")


def section(path: str, site: str) -> dict[str, str]:
    """Return the settings of the section `[app:SITE]` as text. Raises SettingsError."""
    # Not `pyramid.paster.get_appsettings`: it looks for a loader in the metadata of every installed package.
    loader = Loader(PlasterURL("file+ini", path))
    return dict(reading(path, lambda: loader.get_wsgi_app_settings(site)))


def reading(path: str, read: Callable[[], T]) -> T:
    """Call a function that reads an ini file. Raises SettingsError where the file cannot be used."""
    try:
        return read()
    except configparser.InterpolationError as error:
        raise SettingsError(f"{path}: {error.option}: write each % of the value twice, as %%") from None
    except configparser.DuplicateOptionError as error:
        raise SettingsError(f"{path}, line {error.lineno}: {error.option} is there twice") from None
    except configparser.DuplicateSectionError as error:
        raise SettingsError(f"{path}, line {error.lineno}: [{error.section}] is there twice") from None
    except configparser.ParsingError as error:
        lines = ", ".join(str(number) for number, _ in error.errors) or getattr(error, "lineno", "?")
        raise SettingsError(f"{path}, line {lines}: this is no section, no key and no comment") from None
    except (configparser.Error, LookupError) as error:
        raise SettingsError(f"{path} cannot be used: {error}") from None
