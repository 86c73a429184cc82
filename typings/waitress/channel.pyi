from waitress.utilities import Error

class ClientDisconnected(Exception): ...

class HTTPRequestParser:
    error: Error | None
    path: str
    headers: dict[str, str]

class HTTPChannel:
    requests: list[HTTPRequestParser]
    request: HTTPRequestParser | None
    total_outbufs_len: int
    will_close: bool
    def service(self) -> None: ...
    def cancel(self) -> None: ...
