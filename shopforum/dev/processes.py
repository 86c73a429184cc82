"""Child processes that end with this process: for `shopforum dev` and the tests.

Each child has a session of its own, so that Ctrl-C reaches only the parent, which then stops them in order. On Linux
the kernel also signals a child whose parent died without a chance to tidy up.
"""

import ctypes
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.02


class StartError(RuntimeError):
    """A part could not be started. The message is for the user at the terminal."""


@contextmanager
def child(
    command: Sequence[str], log: Path, *, stop: signal.Signals = signal.SIGTERM, keep: Sequence[int] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command for as long as the block lasts.

    `log` takes its output, `stop` is the signal that ends it, `keep` are open files that it inherits. A child that
    has not ended ten seconds after the signal is killed.
    """
    with log.open("ab") as output:
        log.chmod(0o600)
        process = subprocess.Popen(  # noqa: S603  the command is ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=keep,
            preexec_fn=_end_with_parent(stop),  # noqa: PLW1509  no other thread runs yet
        )
    try:
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(
    ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, *, seconds: float = 30
) -> None:
    """Wait until a child process prints `ready`. Raises StartError, with the end of its log, if it ends first or takes too long."""
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise StartError(f"{Path(process.args[0]).name} did not start:\n{tail(log)}")  # type: ignore[index,arg-type]
        time.sleep(_POLL_SECONDS)


def tail(log: Path, lines: int = 8) -> str:
    """Return the last lines of a log, for an error message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def is_free(port: int) -> bool:
    """Return whether a TCP port of 127.0.0.1 is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _end_with_parent(stop: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, int(stop))
