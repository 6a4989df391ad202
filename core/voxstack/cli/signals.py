"""Ctrl-C and SIGTERM, kept for a moment while networks and runtimes load.

An exception in the middle of importing an extension module is swallowed by it or takes the
process down, so that until ``deliver`` a signal is only written down. A second one ends the
process at once, and so does the first where what it waits for hangs.

Both signals interrupt as ``KeyboardInterrupt``, which whoever tries a plugin out lets pass, as it
does not ``SystemExit``: a plugin's ``sys.exit()`` is the plugin's failure.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

PATIENCE_S = 3.0  # that a signal waits while voices load; nothing is written yet

_CAUGHT = [getattr(signal, n) for n in ("SIGINT", "SIGTERM") if hasattr(signal, n)]


class _State:
    """What has come, whether it may interrupt, and what did."""

    held = True
    come: int | None = None
    raised: int = signal.SIGINT


def hold() -> None:
    """Keep signals from now on, until ``deliver``."""
    _State.held, _State.come = True, None
    for number in _CAUGHT:
        signal.signal(number, _handle)


def deliver() -> None:
    """Let signals interrupt from now on; one that has come does so here."""
    _State.held = False
    if _State.come is not None:
        _raise(_State.come)


def exit_code() -> int:
    """Give the exit code of a process that was interrupted, as shells have it."""
    return 128 + _State.raised


def _handle(number: int, frame: FrameType | None) -> None:
    if not _State.held:
        _raise(number)
    if _State.come is not None:
        os._exit(128 + number)
    _State.come = number
    last = threading.Timer(PATIENCE_S, _leave)  # the thread that runs may be in a loop for ever
    last.daemon = True
    last.start()
    if number == signal.SIGINT and os.isatty(2):
        # Not print: what is interrupted may be writing to stderr.
        told = f"stopping when the voice is loaded, in {PATIENCE_S:g} s at most"
        os.write(2, f"\n{told}; Ctrl-C once more stops at once\n".encode())


def _leave() -> None:
    if _State.held and _State.come is not None:
        os._exit(128 + _State.come)


def _raise(number: int) -> None:
    _State.raised = number
    raise KeyboardInterrupt
