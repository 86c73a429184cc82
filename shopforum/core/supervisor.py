"""Several processes that do the same work, and one that watches over them.

Python runs one thread at a time, so one process keeps one core busy. The supervisor has started the application and does no
work of its own: it forks the processes, which share its memory as long as nobody writes to it, starts another in place of
one that is lost, and hands the signals to end on to all of them.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import structlog

from . import garbage
from .causes import cause
from .settings import SettingsError

log = structlog.get_logger("shopforum")

_TICK_SECONDS = 0.2
# A process that is lost at once, again and again, is not started more often than this.
_PAUSE_SECONDS = 1.0
# The exit status of a process that cannot start as it is set up (sysexits.h, EX_CONFIG): another would not do better.
_MISCONFIGURED = 78


_ENDING = (signal.SIGTERM, signal.SIGINT)


class Supervisor:
    """Runs `work(slot, lives)` in `count` processes, in the slots 0 to `count` - 1.

    The work serves until it gets SIGTERM or SIGINT, or until `lives()` is false, because the supervisor is gone. It may raise
    SettingsError. `seconds` is the time that it may take to end. `release` is called once when the end begins: it closes what
    the supervisor itself holds open for the others.
    """

    def __init__(
        self,
        count: int,
        work: Callable[[int, Callable[[], bool]], None],
        *,
        seconds: float,
        release: Callable[[], None],
    ) -> None:
        self._count, self._work, self._seconds, self._release = count, work, seconds, release
        # By process id.
        self._slots: dict[int, int] = {}
        # Slots without a process.
        self._missing: set[int] = set()
        self._signal = 0

    def run(self) -> None:
        """Return when all processes have ended after a signal. Raises SettingsError, also when all have ended, where one could not
        start as it is set up: it has logged why.
        """
        for number in _ENDING:
            signal.signal(number, self._note)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        # Ignored by who has started this, as some init systems do, the kernel would keep no exit status for `_ended`.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        garbage.freeze()
        self._missing = set(range(self._count))
        right = self._watch()
        self._end()
        if not right:
            raise SettingsError("a process cannot start as it is set up (server.misconfigured, above)")

    def _note(self, number: int, _frame: FrameType | None) -> None:
        # Handed on each time: a second one ends a wait.
        self._signal = number
        self._tell(number)

    def _tell(self, number: int) -> None:
        for pid in list(self._slots):
            # One that has just been waited for has no number any more.
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _start(self, slot: int) -> None:
        """Start a process, unless a signal to end has come, or the machine has no room for one: then the next round tries again."""
        parent = os.getpid()
        # A signal between the fork and the note of its number would not be handed on, and one before the process has
        # handlers of its own would be taken by the supervisor's.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        pid = None
        try:
            pid = None if self._signal else os.fork()
        except OSError as error:
            log.error("server.not_started", slot=slot, why=cause(error))  # noqa: TRY400  the message says it all
        if pid == 0:
            for number in _ENDING:
                signal.signal(number, signal.SIG_DFL)
        elif pid:
            self._slots[pid] = slot
            self._missing.discard(slot)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        if pid == 0:
            # Not by returning: the supervisor's own remaining steps would run here.
            os._exit(self._status(slot, parent))

    def _status(self, slot: int, parent: int) -> int:
        """Do the work; return its exit status."""
        try:
            self._work(slot, lambda: os.getppid() == parent)
        except SettingsError as error:
            log.error("server.misconfigured", error=str(error))  # noqa: TRY400  the message says it all
            return _MISCONFIGURED
        except BaseException:
            log.exception("server.failed")
            return 1
        return 0

    def _watch(self) -> bool:
        """Replace the processes that are lost until a signal comes; return False at once if one is set up wrongly."""
        while not self._is_told():
            for slot in sorted(self._missing):
                self._start(slot)
            time.sleep(_TICK_SECONDS)
            if self._is_told():
                # A process that has ended meanwhile was told to.
                break
            for slot, status in self._ended():
                log.error("server.lost", slot=slot, status=status)
                if status == _MISCONFIGURED:
                    return False
                self._missing.add(slot)
            if self._missing:
                time.sleep(_PAUSE_SECONDS)
        return True

    def _is_told(self) -> bool:
        """Return whether a signal to end has come."""
        return bool(self._signal)

    def _ended(self) -> list[tuple[int, int]]:
        """Take away the processes that have ended: the slot of each and its exit status, negative for a signal."""
        found = []
        for pid in list(self._slots):
            done, raw = os.waitpid(pid, os.WNOHANG)
            if done:
                found.append((self._slots.pop(pid), os.waitstatus_to_exitcode(raw)))
        return found

    def _end(self) -> None:
        """Wait until all have ended, and kill those that take too long."""
        self._release()
        if not self._signal:
            self._tell(signal.SIGTERM)
        end = time.monotonic() + self._seconds
        while self._slots:
            if time.monotonic() > end:
                self._tell(signal.SIGKILL)
            time.sleep(_TICK_SECONDS)
            self._ended()
