"""Logs: structlog to stderr, quiet by default, imported when the first line is written.

structlog costs more to import than the whole of the listing path, so a logger here asks the
level first. An application that has configured structlog itself keeps its configuration.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any, final

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "off": 100}


class _State:
    """The threshold below which nothing is written."""

    threshold = LEVELS.get(os.environ.get("VOXSTACK_LOG", "warning").lower(), 30)
    configured = False
    lock = threading.Lock()


def colours_wanted() -> bool:
    """Tell whether a terminal is to be coloured (no-color.org)."""
    return os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")


def set_level(level: str) -> None:
    """Write lines of ``level`` and above: debug, info, warning, error or off."""
    _State.threshold = LEVELS[level]


@final
class Logger:
    """A structlog logger that is made when it first has something to say."""

    def __init__(self, name: str) -> None:
        self.name = name

    def debug(self, event: str, **fields: Any) -> None:
        """Say what happens inside."""
        self._write("debug", event, fields)

    def info(self, event: str, **fields: Any) -> None:
        """Say what was done."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Say what the user should know, although the work goes on."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """Say what failed."""
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, Any]) -> None:
        if LEVELS[level] < _State.threshold:
            return
        import structlog

        with _State.lock:
            if not _State.configured and not structlog.is_configured():
                structlog.configure(
                    processors=[
                        structlog.processors.add_log_level,
                        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
                        structlog.dev.ConsoleRenderer(
                            colors=sys.stderr.isatty() and colours_wanted()
                        ),
                    ],
                    logger_factory=_stderr_logger,
                )
            _State.configured = True
        getattr(structlog.get_logger(), level)(event, logger=self.name, **fields)


def _stderr_logger(*args: Any) -> Any:
    """Look stderr up at each line: tests and terminals replace it."""
    import structlog

    return structlog.PrintLogger(sys.stderr)


def get_logger(name: str) -> Logger:
    """Give the logger called ``name``; importing this costs nothing."""
    return Logger(name)
