"""The settings of the operators' tools, under `admin.`."""

from dataclasses import dataclass

from ..core.settings import setting


@dataclass(frozen=True, kw_only=True)
class OperationsSettings:
    """What acts of the operators take."""

    two_people: bool = setting(
        "admin.two_people",
        False,
        "acts on everyone, on a site, or on more than a hundred people within an hour wait for a second owner's approval",
    )
