"""Where an error was raised: the file and the line in the component's own code."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import voxstack

import voxstack_kit

_PATHS = sysconfig.get_paths()
_LIBRARIES = [_PATHS[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
_OURS = (*voxstack.__path__, *voxstack_kit.__path__)
_OTHERS = tuple(str(Path(path).resolve()) for path in (*_OURS, *_LIBRARIES))


def raised_at(error: BaseException, package: str) -> str:
    """Return the line of ``package`` at which an error was raised; "" if there is none.

    The innermost one counts. Without a line of the package, as in a suite's own fixture, it is a
    line that is not of a library.
    """
    frames = [*_frames(error)]
    for is_own in (lambda frame: _is_of(frame, package), _is_no_library):
        own = [(frame, line) for frame, line in frames if is_own(frame)]
        if own:
            frame, line = own[-1]
            return f"{_shown(frame.f_code.co_filename)}, line {line}"
    return ""


def _frames(error: BaseException | None) -> Iterator[tuple[FrameType, int]]:
    """Yield the frames and lines of an error, and then those of its cause."""
    while error is not None:
        yield from traceback.walk_tb(error.__traceback__)
        error = error.__cause__


def _is_of(frame: FrameType, package: str) -> bool:
    module = frame.f_globals.get("__name__", "")
    return module.partition(".")[0] == package and not module.startswith("voxstack_kit.testing.")


def _is_no_library(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return not file.startswith("<") and not str(Path(file).resolve()).startswith(_OTHERS)


def _shown(file: str) -> str:
    """Return a path relative to the working directory, if it is below that."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file
