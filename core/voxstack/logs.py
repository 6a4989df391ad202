"""Logs: structlog to stderr, quiet by default, imported when the first line is written.

structlog costs more to import than all that a listing command needs, so a logger here compares
levels first. An application that has configured structlog itself keeps its configuration.
"""

from __future__ import annotations

import os
import sys
import threading
from functools import partialmethod
from typing import Any, final

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "off": 100}


class _State:
    """The level below which nothing is written."""

    threshold = LEVELS.get(os.environ.get("VOXSTACK_LOG", "warning").lower(), 30)
    configured = False
    lock = threading.Lock()


def colours_wanted() -> bool:
    """Return whether output to a terminal should be colored (no-color.org)."""
    return os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")


def set_level(level: str) -> None:
    """Write lines of ``level`` and above: debug, info, warning, error or off."""
    _State.threshold = LEVELS[level]


@final
class Logger:
    """A structlog logger that is made when it first writes."""

    def __init__(self, name: str) -> None:
        self.name = name

    def _write(self, level: str, event: str, **fields: Any) -> None:
        """Write a line with ``fields``; for what users should know, it is a warning."""
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

    debug = partialmethod(_write, "debug")
    info = partialmethod(_write, "info")
    warning = partialmethod(_write, "warning")
    error = partialmethod(_write, "error")


def _stderr_logger(*args: Any) -> Any:
    """Return a logger that looks up stderr for each line: tests and terminals replace it."""
    import structlog

    return structlog.PrintLogger(sys.stderr)


def get_logger(name: str) -> Logger:
    """Return the logger called ``name``; structlog is imported when it first writes."""
    return Logger(name)
