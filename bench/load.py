"""A client over kept connections, and the processor time and memory of the processes that serve it."""

import os
import re
import selectors
import socket
import time
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def load(port: int, request: bytes, connections: int, seconds: float) -> list[float]:
    """Send a request again and again over so many connections at a time. Return how long each took, in milliseconds.

    Raises ValueError for another status than 200.
    """
    took: list[float] = []
    end = time.perf_counter() + seconds
    with selectors.DefaultSelector() as waiting:
        for _ in range(connections):
            each = socket.create_connection(("127.0.0.1", port), timeout=30)
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            waiting.register(each, selectors.EVENT_READ, _Exchange())
            each.sendall(request)
        while waiting.get_map():
            for key, _ in waiting.select():
                if not key.data.add(key.fileobj.recv(65536)):
                    continue
                now = time.perf_counter()
                took.append(1000 * (now - key.data.began))
                if now < end:
                    key.data.__init__()
                    key.fileobj.sendall(request)
                else:
                    waiting.unregister(key.fileobj)
                    key.fileobj.close()
    return took


class _Exchange:
    """A request that was sent, and what has come of its response."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self._got, self._wanted = b"", 0

    def add(self, part: bytes) -> bool:
        """Take a part of the response; return whether it is complete."""
        self._got += part
        if not self._wanted:
            head, separator, _ = self._got.partition(b"\r\n\r\n")
            if not separator and part:
                return False
            length = _LENGTH.search(head)
            if not head.startswith(b"HTTP/1.1 200") or length is None:
                raise ValueError(f"not a page: {head[:500]!r}")
            self._wanted = len(head) + 4 + int(length[1])
        return len(self._got) >= self._wanted


def tree(root: int) -> list[int]:
    """Return a process and all that it has started."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        if fields := _stat(path):
            parents[int(path.parent.name)] = int(fields[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def cpu(pids: Iterable[int]) -> float:
    """Return the processor time that some processes have used, and their ended children, in milliseconds."""
    ticks = 0
    for pid in pids:
        if fields := _stat(Path(f"/proc/{pid}/stat")):
            ticks += sum(map(int, fields[11:15]))
    return 1000 * ticks / _TICKS


def memory(pids: Iterable[int]) -> float:
    """Return the memory of some processes in MB; what they share counts once."""
    total = 0
    for pid in pids:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(re.search(r"Pss: +(\d+)", rollup)[1])
    return total / 1024


def _stat(path: Path) -> list[str]:
    """Return the fields of a process's `stat` after its name; none if it has ended."""
    try:
        return path.read_text().rpartition(")")[2].split()
    except OSError:
        return []
