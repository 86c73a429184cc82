"""The garbage collector of a long-running process: its pauses are kept short.

A full collection stops every thread while it walks all objects. A started process has 190,000 of them: modules, routes,
templates, which live as long as the process. Walking them takes 100 to 270 ms, once in 800 pages. `gc.freeze` leaves
them out of all collections.
"""

import gc

# Objects between two collections of the youngest generation, then collections of a generation until the next older one
# joins. Python's 700 collects several times within a page; the pause grows with the number (2.5 ms at 2,000, 11 at 10,000).
_THRESHOLDS = (2_000, 10, 10)
# While a process starts. Nearly all objects that it makes then stay, and looking for others is a fifth of its start.
_STARTING = (50_000, 20, 20)


def collect_seldom() -> None:
    """Collect garbage seldom, for a process that starts or that ends soon. `freeze` ends this."""
    gc.set_threshold(*_STARTING)


def freeze() -> int:
    """Exempt all objects that exist now from garbage collection. Returns how many these are.

    Call it once, after the process has started and before it begins its work.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    return gc.get_freeze_count()
