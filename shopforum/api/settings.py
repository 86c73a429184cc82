"""The settings of the admin API, under `api.`."""

from dataclasses import dataclass

from ..core.settings import setting


@dataclass(frozen=True, kw_only=True)
class ApiSettings:
    """The limit of one token."""

    calls_per_minute: int = setting(
        "api.calls_per_minute", 600, "calls of one token in a minute", least=1, most=999_999
    )
