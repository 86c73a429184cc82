"""The rules of rotation line by line, at their borders: which pair is what, and what follows. Pure functions, no database.

test_rotation_search.py searches what these rules lead to.
"""

from dataclasses import replace

import pytest

from shopforum.sessions.rotation import Facts, PairStatus, Step, Timing, next_step, pair_status

TIMING = Timing(rotate_every=600, grace=60, cap=8, retry=30)
# Pair 5 is the head, and took over from pair 3 an hour ago.
HEAD = Facts(
    head=5,
    head_parent=3,
    head_age=3600,
    head_used_for=3000,
    due_in=1,
    unshown=0,
    active=True,
    n=5,
    parent=3,
    seen=True,
    replaced_age=None,
)
NEXT = replace(HEAD, n=7, parent=5, seen=False)
SIBLING = replace(HEAD, n=6, parent=3, seen=False)
REPLACED = replace(HEAD, n=3, parent=1, replaced_age=3600)


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        (HEAD, PairStatus.HEAD),
        (NEXT, PairStatus.NEXT),
        (replace(NEXT, seen=True), PairStatus.SPENT),
        (replace(NEXT, parent=4), PairStatus.SPENT),
        (SIBLING, PairStatus.NEXT),
        (replace(SIBLING, head_age=60), PairStatus.LATE),
        (replace(SIBLING, head_age=61), PairStatus.NEXT),
        # On a dormant session it may be all that its browser holds, so it does not wait for the head's refresh.
        (replace(SIBLING, head_age=60, active=False), PairStatus.NEXT),
        (replace(SIBLING, head_age=60, parent=2), PairStatus.SPENT),
        (replace(SIBLING, head_age=60, seen=True), PairStatus.SPENT),
        (REPLACED, PairStatus.SPENT),
        (replace(REPLACED, replaced_age=60), PairStatus.LATE),
        (replace(REPLACED, replaced_age=61), PairStatus.SPENT),
        (replace(REPLACED, head_used_for=60), PairStatus.FALLBACK),
        (replace(REPLACED, head_used_for=61), PairStatus.SPENT),
        (replace(REPLACED, head_used_for=60, elsewhere=True), PairStatus.SPENT),
        (replace(REPLACED, head_used_for=60, n=2), PairStatus.SPENT),
    ],
)
def test_the_status_of_a_pair(facts, status):
    assert pair_status(facts, TIMING) is status


@pytest.mark.parametrize(
    ("facts", "quiet", "step"),
    [
        (HEAD, False, Step.SERVE),
        (replace(HEAD, due_in=0), False, Step.HAND_OUT),
        (replace(HEAD, due_in=0), True, Step.SERVE),
        (replace(HEAD, due_in=0, unshown=7), False, Step.HAND_OUT),
        (replace(HEAD, due_in=0, unshown=8), False, Step.QUARANTINE),
        (replace(HEAD, unshown=8), False, Step.SERVE),
        (replace(HEAD, due_in=0, unshown=8), True, Step.SERVE),
        (replace(HEAD, active=False), False, Step.REFRESH),
        (replace(HEAD, active=False), True, Step.REFRESH),
        (replace(HEAD, active=False, unshown=8), False, Step.QUARANTINE),
        (NEXT, False, Step.TAKE_OVER),
        (replace(SIBLING, head_age=0), False, Step.SERVE),
        (replace(REPLACED, replaced_age=0), False, Step.SERVE),
        (replace(REPLACED, replaced_age=0, active=False), False, Step.WAIT),
        (replace(REPLACED, head_used_for=0), False, Step.QUARANTINE),
        (REPLACED, False, Step.END),
    ],
)
def test_the_next_step_of_a_pair(facts, quiet, step):
    assert next_step(facts, TIMING, quiet=quiet) is step
