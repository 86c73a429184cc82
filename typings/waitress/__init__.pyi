from collections.abc import Callable
from typing import Any

from waitress.server import Adjustments
from waitress.wasyncore import SocketMap

class ThreadedTaskDispatcher:
    def shutdown(self) -> bool: ...

class WSGIServer:
    adj: Adjustments
    effective_port: int
    task_dispatcher: ThreadedTaskDispatcher
    def run(self) -> None: ...
    def close(self) -> None: ...
    def pull_trigger(self) -> None: ...

def create_server(
    application: Callable[..., Any], *, map: SocketMap = ..., _dispatcher: object = ..., **options: Any
) -> WSGIServer: ...
