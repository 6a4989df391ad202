"""Classifying files by their content, not by their names: data, or something that could run.

Formats of network files are open to third parties, so unknown content is treated as data.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import final

from attrs import frozen

HEAD = 4096  # bytes by which a file is classified
TAIL = 1 << 16  # bytes at its end, with the names of a zip


@final
@frozen
class Content:
    """A kind of content."""

    name: str  # as people call it
    danger: str | None = None  # why it is never loaded; None: it is data


RUNS = "a pickle runs code when it is opened"
MACHINE = "it is machine code"

_ONNX = re.compile(rb"\x08[\x01-\x7f][\x12\x1a\x22\x28\x32\x3a\x42]", re.S)
# The pickles of old, which are text: "c", a module and a name of it, early on.
_TEXT_PICKLE = re.compile(rb"[(\]}l\d\n]{0,8}[ci][A-Za-z_][\w.]*\n[A-Za-z_]\w*\n")
_OBJECTS = re.compile(rb"'descr':\s*[^,]*\|?O")
_ACTIVE = re.compile(rb"<\s*(script|iframe|object|embed)\b|\bon(load|error|click)\s*=", re.I)
_PAGE = re.compile(rb"\s*<\s*(!doctype\s+html|html|svg)\b", re.I)

KINDS: tuple[tuple[Content, Callable[[bytes], object]], ...] = (
    (Content("a pickle", RUNS), re.compile(rb"\x80[\x02-\x05]", re.S).match),
    (Content("a pickle", RUNS), _TEXT_PICKLE.match),
    (Content("a program for Linux", MACHINE), re.compile(rb"\x7fELF").match),
    (Content("a program for Windows", MACHINE), re.compile(rb"MZ.{58}", re.S).match),
    (
        Content("a program for macOS", MACHINE),
        re.compile(rb"[\xce\xcf]\xfa\xed\xfe|\xca\xfe\xba\xbe").match,
    ),
    (Content("a program (WebAssembly)", MACHINE), re.compile(rb"\0asm").match),
    (Content("compiled Python", "it is code"), re.compile(rb"[^\x93].\r\n.{12}\xe3", re.S).match),
    (Content("a script", "it is code"), re.compile(rb"#!").match),
    (
        Content("a numpy array of objects", "its objects are a pickle, which runs code"),
        lambda head: head.startswith(b"\x93NUMPY") and _OBJECTS.search(head),
    ),
    (Content("a numpy array"), re.compile(rb"\x93NUMPY").match),
    (Content("an ONNX network"), _ONNX.match),
    (Content("safetensors"), re.compile(rb".{4}\0{4}\{", re.S).match),
    (Content("an image"), re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF.{4}WEBP", re.S).match),
    (Content("audio"), re.compile(rb"RIFF.{4}WAVE|fLaC|OggS|ID3", re.S).match),
    (Content("JSON"), re.compile(rb"\s*[{\[]\s*[\"{\[\]}]").match),
    (Content("a web page"), _PAGE.match),
)


def content_of(data: bytes) -> Content:
    """Return what a file is, by its bytes or its beginning and end."""
    head = data[:HEAD]
    if not head:
        return Content("nothing")
    for kind, holds in KINDS:
        if holds(head):
            return kind
    if head.startswith(b"PK\3\4"):
        return _archive(data)
    return Content("text" if _is_text(head) else "data")


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return len(head) == HEAD and error.start > HEAD - 4  # cut in a character
    return True


def _archive(data: bytes) -> Content:
    """Return which archive of PyTorch it is, by the names in it."""
    if b"models/model.json" in data:
        return Content("an exported program of PyTorch")
    if b"data.pkl" in data or b".pkl" in data[:HEAD]:
        return Content("a pickle of PyTorch (torch.save)", RUNS)
    return Content("a zip")


def is_active(data: bytes) -> bool:
    """Return whether a text would do something in a browser."""
    return _ACTIVE.search(data) is not None
