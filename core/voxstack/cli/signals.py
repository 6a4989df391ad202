"""Ctrl-C and SIGTERM, held while networks and runtimes load.

An exception in the middle of importing an extension module is swallowed by it or crashes the
process, so until ``deliver`` is called a signal is only recorded. A second one ends the process at
once; so does the first one if what it waits for hangs.

Both signals interrupt as ``KeyboardInterrupt``. Code that isolates plugins lets it pass, unlike
``SystemExit``: a plugin's ``sys.exit()`` is a failure of that plugin.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

PATIENCE_S = 3.0  # that a signal waits while voices load; nothing is written yet

_CAUGHT = [getattr(signal, n) for n in ("SIGINT", "SIGTERM") if hasattr(signal, n)]


class _State:
    """The recorded signal, whether signals are held, and the one that interrupted."""

    held = True
    recorded: int | None = None
    raised: int = signal.SIGINT


def hold() -> None:
    """Hold signals until ``deliver`` is called."""
    _State.held, _State.recorded = True, None
    for number in _CAUGHT:
        signal.signal(number, _handle)


def deliver() -> None:
    """Let signals interrupt from now on; a recorded one does so here."""
    _State.held = False
    if _State.recorded is not None:
        _raise(_State.recorded)


def exit_code() -> int:
    """Return the exit code of an interrupted process, by the convention of shells."""
    return 128 + _State.raised


def _handle(number: int, frame: FrameType | None) -> None:
    if not _State.held:
        _raise(number)
    if _State.recorded is not None:
        os._exit(128 + number)
    _State.recorded = number
    last = threading.Timer(PATIENCE_S, _leave)  # the running thread may be in an endless loop
    last.daemon = True
    last.start()
    if number == signal.SIGINT and os.isatty(2):
        # Not print: the interrupted code may be writing to stderr.
        text = f"stopping when the voice is loaded, in {PATIENCE_S:g} s at most"
        os.write(2, f"\n{text}; Ctrl-C once more stops at once\n".encode())


def _leave() -> None:
    if _State.held and _State.recorded is not None:
        os._exit(128 + _State.recorded)


def _raise(number: int) -> None:
    _State.raised = number
    raise KeyboardInterrupt
