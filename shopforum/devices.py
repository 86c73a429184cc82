"""Names for browsers, from what they say of themselves: for people who look through a list of devices."""

from .sessions.agents import label

__all__ = ["label"]
