"""Recognize what runs when it is opened, in place of a model.

None of it is an ONNX model; a name in the message tells more than that it is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

HEAD = 4096  # bytes that are looked at

PICKLE = "a pickle, which runs code when it is opened"
# The pickles of old are text: "c", a module and a name of it, early on.
_TEXT_PICKLE = re.compile(rb"[(\]}l\d\n]{0,8}[ci][A-Za-z_][\w.]*\n[A-Za-z_]\w*\n")
_OBJECTS = re.compile(rb"'descr':\s*[^,]*\|?O")

KINDS: Final[tuple[tuple[str, Callable[[bytes], object]], ...]] = (
    (PICKLE, re.compile(rb"\x80[\x02-\x05]", re.S).match),
    (PICKLE, _TEXT_PICKLE.match),
    ("a program for Linux", re.compile(rb"\x7fELF").match),
    ("a program for Windows", re.compile(rb"MZ.{58}", re.S).match),
    (
        "a program for macOS",
        re.compile(rb"[\xce\xcf]\xfa\xed\xfe|\xca\xfe\xba\xbe").match,
    ),
    ("a program in WebAssembly", re.compile(rb"\0asm").match),
    ("compiled Python", re.compile(rb"[^\x93].\r\n.{12}\xe3", re.S).match),
    ("a script", re.compile(rb"#!").match),
    (
        "a numpy array of objects, a pickle, which runs code when it is opened",
        lambda head: head.startswith(b"\x93NUMPY") and _OBJECTS.search(head),
    ),
    (
        "a pickle of PyTorch (torch.save), which runs code when it is opened",
        lambda head: head.startswith(b"PK\3\4") and b".pkl" in head,
    ),
)


def mistaken(data: bytes) -> str | None:
    """Return what ``data`` is if it runs when it is opened, else None."""
    head = data[:HEAD]
    for name, holds in KINDS:
        if holds(head):
            return f"{name}; addons hold data only"
    return None
