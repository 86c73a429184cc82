from waitress import wasyncore

class Adjustments:
    asyncore_use_poll: bool

class BaseWSGIServer(wasyncore.dispatcher):
    adj: Adjustments
    effective_host: str
    effective_port: str | int
