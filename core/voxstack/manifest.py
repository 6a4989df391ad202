"""The manifest of an addon: what addon.json says, typed."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from functools import partial
from typing import Any, final

from attrs import field, frozen

from voxstack.addon_files import MAX_FILE, MAX_FILES, MAX_TOTAL, twins, unsafe
from voxstack.documents import escape
from voxstack.errors import InputError, did_you_mean
from voxstack.networks import DTYPES, Context, TensorSpec
from voxstack.provided import AudioFormat
from voxstack.shown import shown
from voxstack.unfit import Unfit

NO_NAME = re.compile(r"[:/\\@]")  # "ADDON:NETWORK", a path, "NAME@DISTRIBUTION"
NAMES = "is not empty and has none of : / \\ @"
MAX_LINE = 2000  # characters of a name or a line about the voice
MAX_FRAMES = 100_000  # of a context or a delay, and of frames for one
MAX_NUMBERS = 1 << 26  # in a tensor, its named dimensions aside: a state of 256 MB
UNTRUSTED = "do not use this addon unless you trust who made it, and ask them to pack it again"


@final
@frozen
class FileEntry:
    """One data file of an addon."""

    sha256: str  # hexadecimal
    bytes: int  # size

    def problems(self) -> Iterator[Unfit]:
        """Say what is none."""
        if not re.fullmatch("[0-9a-fA-F]{64}", self.sha256):
            yield Unfit("expected 64 hexadecimal digits", None, "/sha256")
        if not 0 <= self.bytes <= MAX_FILE:
            yield Unfit(f"must be 0 to {MAX_FILE} bytes", None, "/bytes")


@final
@frozen
class Control:
    """Something that a speaker of text can choose: one of ``values``, or a number in a range."""

    values: tuple[str, ...] | None = None  # one of them is chosen; the networks get its index
    min: float | None = None  # of a number
    max: float | None = None  # of a number
    default: str | float | None = None  # first of the values, else 1.0

    def tensor_value(self, name: str, value: Any) -> int | float:
        """Check a chosen value (None: the default): index in ``values``, or the number.

        InputError says what is allowed.
        """
        if value is None:
            value = self.default
        if self.values is not None:
            if value is None:
                return 0
            if value not in self.values:
                hint = did_you_mean(str(value), self.values)
                allowed = ", ".join(self.values)
                raise InputError(
                    f"{name} {value!r} is none of: {allowed}" + (f" ({hint})" if hint else "")
                )
            return self.values.index(value)
        if isinstance(value, bool | str) or not hasattr(value or 1.0, "__float__"):
            raise InputError(f"{name} must be a number, not {shown(value)}")
        number = 1.0 if value is None else float(value)
        low = float("-inf") if self.min is None else self.min
        high = float("inf") if self.max is None else self.max
        if not low <= number <= high:  # NaN too
            raise InputError(f"{name} must be {low:g} to {high:g}, not {number:g}")
        return number


@final
@frozen
class NetworkManifest:
    """One exported network, as addon.json declares it."""

    role: str  # encoder, prosody, decoder, vocoder, ...: blocks find their network by it
    files: dict[str, str]  # format -> path in the addon
    inputs: dict[str, TensorSpec]  # by name, as the graph has them
    outputs: dict[str, TensorSpec]  # by name, as the graph has them
    context: Context | None = None  # frames around a window; without state
    state: dict[str, str] = field(factory=dict)  # input -> output that is its next value
    delay: int = 0  # frames by which outputs lag behind inputs; with state
    frame_ratio: int = 1  # output frames for one input frame

    def problems(self, files: dict[str, FileEntry]) -> Iterator[Unfit]:
        """Say what does not agree within the declaration."""
        if self.context and self.state:
            yield Unfit("has context and state; a network has one of them", "remove one")
        if self.context and min(self.context.left, self.context.right) < 0:
            yield Unfit("must be 0 frames or more", None, "/context")
        if self.delay and not self.state:
            yield Unfit("delay is for networks with state", "remove it", "/delay")
        if self.delay < 0:
            yield Unfit("must be 0 frames or more", None, "/delay")
        yield from self._excesses()
        if self.frame_ratio < 1:
            yield Unfit("must be 1 or more", None, "/frame_ratio")
        if not self.files:
            yield Unfit("names no file", 'add {"onnx": "networks/NAME.onnx"}', "/files")
        for name, after in self.state.items():
            if name not in self.inputs:
                hint = partial(_hint, name, self.inputs)
                yield Unfit(f"state {name!r} is no input", hint, "/state")
            elif any(isinstance(d, str) for d in self.inputs[name].shape[1:]):
                yield Unfit(
                    "a state's dimensions but the batch are numbers", None, f"/inputs/{name}"
                )
            if after not in self.outputs:
                hint = partial(_hint, after, self.outputs)
                yield Unfit(f"{after!r} is no output", hint, f"/state/{name}")
        for kind, tensors in (("inputs", self.inputs), ("outputs", self.outputs)):
            for name, spec in tensors.items():
                if spec.dtype not in DTYPES:
                    hint = partial(_hint, spec.dtype, DTYPES, f"one of {', '.join(DTYPES)}")
                    yield Unfit(f"unknown dtype {spec.dtype!r}", hint, f"/{kind}/{name}/dtype")
        for kind, path in self.files.items():
            if path not in files:
                yield Unfit(
                    f"{path!r} is not in the manifest's files",
                    partial(_hint, path, files, "add it with sha256 and bytes"),
                    f"/files/{kind}",
                )

    def _excesses(self) -> Iterator[Unfit]:
        """Say what would fill the memory: the host makes states and windows of such sizes."""
        for name in ("delay", "frame_ratio"):
            if getattr(self, name) > MAX_FRAMES:
                yield Unfit(f"must be {MAX_FRAMES} at most", None, f"/{name}")
        if self.context and max(self.context.left, self.context.right) > MAX_FRAMES:
            yield Unfit(f"must be {MAX_FRAMES} frames at most", None, "/context")
        for kind, tensors in (("inputs", self.inputs), ("outputs", self.outputs)):
            for name, spec in tensors.items():
                sizes = [d for d in spec.shape if isinstance(d, int)]
                if any(d < 0 for d in sizes) or math.prod(sizes) > MAX_NUMBERS:
                    expected = f"sizes must be 0 or more, and {MAX_NUMBERS} numbers in all at most"
                    yield Unfit(expected, None, f"/{kind}/{name}/shape")


@final
@frozen
class Manifest:
    """What addon.json says."""

    format: int  # of this manifest
    name: str  # how a stack of others refers to its networks, "NAME:NETWORK"
    version: str  # of the addon
    language: str  # BCP 47, "en-US"
    license: str  # an SPDX expression, or a name
    audio: AudioFormat  # what comes out
    networks: dict[str, NetworkManifest]  # by name
    files: dict[str, FileEntry]  # every data file but addon.json
    frontend: Any = None  # {"type": ...}, resolved when a voice is built
    stack: Any = None  # list of blocks, an implicit StreamableStack; none: networks for others
    symbols: str | None = None  # path of the symbol tables
    controls: dict[str, Control] = field(factory=dict)  # tensors of each sentence, by name
    # Sizes of a named dimension in texts of the language, each with its share of them:
    # {"text": [[24, 0.1], [61, 0.9]]}. Static executors compile sizes that pad these least.
    sizes: dict[str, tuple[tuple[int, float], ...]] = field(factory=dict)
    description: str = ""  # a line for listings
    card: str | None = None  # path of a text about the voice
    author: str = ""  # the person or organisation that made it
    homepage: str = ""  # where it comes from, "https://..."
    datasets: tuple[str, ...] = ()  # what it was trained on
    sample: str = ""  # a short sentence in the voice's language, spoken to warm up

    @property
    def speaks(self) -> bool:
        """Tell a voice from an addon that only brings networks for others, such as a vocoder."""
        return self.stack is not None or self.frontend is not None

    def problems(self) -> Iterator[Unfit]:
        """Say what does not agree within the manifest."""
        for name, other in (("frontend", "stack"), ("stack", "frontend")):
            if self.speaks and getattr(self, name) is None:
                advice = f"add {name!r}; an addon that only brings networks has no {other!r} either"
                yield Unfit(f"{name!r} is missing: a voice has a frontend and a stack", advice)
        if not self.name or NO_NAME.search(self.name):
            yield Unfit(f"a name {NAMES}", None, "/name")
        for name, network in self.networks.items():
            if not name or NO_NAME.search(name):
                pointer = f"/networks/{escape(name)}"
                yield Unfit(f"a network's name {NAMES}", None, pointer)
            for unfit in network.problems(self.files):
                yield Unfit(
                    unfit.message, unfit.suggestion, f"/networks/{escape(name)}{unfit.pointer}"
                )
        yield from self._file_problems()
        yield from self._line_problems()
        if self.homepage and not re.match("https?://", self.homepage):
            yield Unfit('expected an address, "https://..."', None, "/homepage")
        if self.audio.hop > MAX_FRAMES:
            yield Unfit(f"must be {MAX_FRAMES} samples at most", None, "/audio/hop")
        for dimension, pairs in self.sizes.items():
            if not pairs or any(size < 1 or not share > 0 for size, share in pairs):
                expected = "expected [[size, share], ...], sizes of 1 or more, shares above 0"
                yield Unfit(expected, None, f"/sizes/{dimension}")
        for option in ("symbols", "card"):
            path = getattr(self, option)
            if path is not None and path not in self.files:
                hint = partial(_hint, path, self.files, "add it with sha256 and bytes")
                yield Unfit(f"{path!r} is not in the manifest's files", hint, f"/{option}")
        for name, control in self.controls.items():
            if control.values is not None and not control.values:
                yield Unfit("has no values", None, f"/controls/{name}/values")
                continue
            try:
                control.tensor_value(name, None)
            except InputError as error:
                yield Unfit(f"the default is not allowed: {error}", None, f"/controls/{name}")

    def _line_problems(self) -> Iterator[Unfit]:
        """Say which texts are no lines of text: a terminal would obey what is in them."""
        names = ("name", "version", "language", "license", "author", "homepage", "description")
        lines = {f"/{name}": getattr(self, name) for name in (*names, "sample")}
        lines |= {f"/datasets/{index}": text for index, text in enumerate(self.datasets)}
        for name, control in self.controls.items():
            lines[f"/controls/{escape(name)}"] = "".join((name, *(control.values or ())))
        for name, network in self.networks.items():
            lines[f"/networks/{escape(name)}"] = name + network.role
        for pointer, text in lines.items():
            if found := next((c for c in text if not (c.isprintable() or c in "\n\t")), None):
                yield Unfit(f"holds {found!r}, which does more than print", "remove it", pointer)
            elif len(text) > MAX_LINE and not pointer.startswith("/controls"):
                yield Unfit(f"is longer than {MAX_LINE} characters", "shorten it", pointer)

    def _file_problems(self) -> Iterator[Unfit]:
        """Say which files could not be opened safely everywhere."""
        for path, entry in self.files.items():
            pointer = f"/files/{escape(path)}"
            if reason := unsafe(path):
                yield Unfit(f"unsafe path {path!r}: {reason}", UNTRUSTED, pointer)
            for unfit in entry.problems():
                yield Unfit(unfit.message, unfit.suggestion, pointer + unfit.pointer)
        for first, second in twins(self.files):
            expected = f"{first!r} and {second!r} are one file on some systems"
            yield Unfit(expected, "rename one of them", f"/files/{escape(second)}")
        if len(self.files) > MAX_FILES:
            yield Unfit(f"has {len(self.files)} files, more than {MAX_FILES}", None, "/files")
        if sum(entry.bytes for entry in self.files.values()) > MAX_TOTAL:
            yield Unfit(f"are more than {MAX_TOTAL} bytes in all", None, "/files")


def _hint(name: str, names: Collection[str], otherwise: str | None = None) -> str | None:
    return did_you_mean(name, names) or otherwise
