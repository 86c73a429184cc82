"""Jobs: the work that the worker does beside the web server. A package declares its jobs in its own `jobs.py`."""

from collections.abc import Callable
from dataclasses import dataclass

from .database import Database


@dataclass(frozen=True)
class Job:
    """A job of the worker. `run` does one step, and returns how many rows it worked on: 0 when nothing was due.

    It must be safe to run in several processes at once.
    """

    name: str
    run: Callable[[Database], int]
