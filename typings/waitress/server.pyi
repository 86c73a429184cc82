from waitress import wasyncore

class Adjustments:
    asyncore_use_poll: bool
    listen: list[tuple[int, int, int, tuple[str, int]]]

    def __init__(self, **kw: str) -> None: ...

class BaseWSGIServer(wasyncore.dispatcher):
    adj: Adjustments
    effective_host: str
    effective_port: str | int
