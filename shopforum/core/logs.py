"""Structured logs: one JSON object a line in production, readable lines in development.

JSON escapes control characters, and readable lines have none, so no input can start a line of its own or command the
terminal that shows it (ASVS 5.0 16.4.1). Fields with the name of a secret are dropped.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from .text import printable

_SECRET = re.compile(r"password|secret|token|cookie|authorization|api_key", re.IGNORECASE)
_TRACEBACKS = ("exception", "stack")


def configure(fmt: str) -> None:
    """Set up logging for the process. `fmt` is `json` or `console`. It may be called for each site."""
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=True)
        if fmt == "json"
        # By default structlog shows the local variables of a traceback: a password may be among them.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            _drop_secrets,
            structlog.processors.format_exc_info,
            *([] if fmt == "json" else [_printable]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _drop_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if not _SECRET.search(key)}


def _printable(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace unprintable characters in texts. Only a traceback has more than one line, indented."""
    for key, value in event.items():
        if isinstance(value, str):
            lines = value.split("\n") if key in _TRACEBACKS else [value]
            event[key] = "\n    ".join(map(printable, lines))
    return event
