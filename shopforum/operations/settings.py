"""The settings of the operators' tools, under `admin.`."""

from dataclasses import dataclass

from ..core.settings import setting


@dataclass(frozen=True, kw_only=True)
class OperationsSettings:
    """The conditions of the operators' acts, and the hour at which the worker looks for drift."""

    two_people: bool = setting(
        "admin.two_people",
        False,
        "acts on everyone, on a site, or on more than a hundred people within an hour wait for a second owner's approval",
    )
    drift_hour: int = setting(
        "admin.drift_hour",
        3,
        "the hour (UTC) in which the worker compares the sessions with FusionAuth; -1: only when asked to",
        least=-1,
        most=23,
    )
