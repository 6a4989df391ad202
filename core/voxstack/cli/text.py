"""Where ``voxstack say`` reads its text: words, a file, or stdin as it arrives."""

from __future__ import annotations

import codecs
import io
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import NamedTuple

from voxstack.errors import InputError

PIECE = 4096  # characters (bytes of stdin) read at a time
READ_AHEAD = 16  # pieces of stdin
PAUSE_S = 0.3  # a writer to stdin who is silent for so long has ended a paragraph


class Source(NamedTuple):
    """A text, whole or in pieces as they arrive."""

    pieces: str | Iterator[str]
    characters: int | None = None  # if that is known


def open_text(words: tuple[str, ...], file: str | None) -> Source:
    """Open the text that ``say`` was given: as words, with ``-f FILE``, or ``-`` for stdin."""
    if file is not None and words:
        raise InputError("give the text as words or with -f FILE, not both")
    if file == "-" or words == ("-",):
        return Source(_stdin())
    if file is not None:
        return _open_file(file)
    if not words:
        raise InputError(
            'nothing to speak: give TEXT, -f FILE, or - for stdin (voxstack say "Hi.")'
        )
    text = " ".join(words)
    return Source(text, len(text))


def _open_file(path: str) -> Source:
    try:
        if Path(path).is_dir():
            raise InputError(f"cannot read {path}: it is a folder")
        file = Path(path).open(encoding="utf-8-sig")  # noqa: SIM115 - read later
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    return Source(_read_file(file, path), os.fstat(file.fileno()).st_size or None)


def _read_file(file: io.TextIOWrapper, path: str) -> Iterator[str]:
    with file:
        try:
            while piece := file.read(PIECE):
                yield piece
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path}: not UTF-8 text ({error.reason}); convert it, for example with: "
                f"iconv -f latin1 -t utf8 {path}"
            ) from None


def _stdin() -> Iterator[str]:
    """Yield text as it arrives; when the writer pauses after a line, it ends a paragraph."""
    if sys.stdin is None:
        raise InputError("cannot read stdin: it is closed")
    # Bounded, so that a quick writer waits for us and memory stays flat.
    pieces: Queue[str | Exception] = Queue(maxsize=READ_AHEAD)
    # A daemon: a writer who never ends must not keep the process.
    threading.Thread(target=_read_stdin, args=(sys.stdin.fileno(), pieces), daemon=True).start()
    at_line_end = False
    while True:
        try:
            piece = pieces.get(timeout=PAUSE_S if at_line_end else None)
        except Empty:
            at_line_end = False
            yield "\n\n"
            continue
        if isinstance(piece, Exception):
            raise piece
        if not piece:
            return
        at_line_end = piece.endswith("\n")
        yield piece


def _read_stdin(descriptor: int, pieces: Queue[str | Exception]) -> None:
    """Put what can be read into the queue, as soon as it can; an empty piece is the end."""
    utf8 = codecs.getincrementaldecoder("utf-8-sig")("replace")
    decoder = io.IncrementalNewlineDecoder(utf8, translate=True)
    try:
        # Not sys.stdin: its buffer is locked by a thread that waits in it when Python ends.
        while data := os.read(descriptor, PIECE):
            if text := decoder.decode(data):
                pieces.put(text)
        if text := decoder.decode(b"", final=True):
            pieces.put(text)
        pieces.put("")
    except OSError as error:
        pieces.put(InputError(f"cannot read stdin: {error.strerror or error}"))
