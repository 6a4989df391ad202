"""The manifest of an addon: what addon.json says, typed and checked."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any, final

from attrs import field, frozen

from voxstack.addons.files import MAX_FILE, MAX_FILES, MAX_TOTAL, UNTRUSTED, twins, unsafe
from voxstack.blocks import AudioFormat
from voxstack.config import Invalid
from voxstack.errors import InputError, did_you_mean, escape, shown
from voxstack.networks import DTYPES, Context, TensorSpec

FORMAT = 1  # the version of addon.json that is written and read here
NO_NAME = re.compile(r"[:/\\@]")  # "ADDON:NETWORK", a path, "NAME@DISTRIBUTION"
NAMES = "is not empty and has none of : / \\ @"
MAX_LINE = 2000  # characters of a name or a line about the voice
MAX_FRAMES = 100_000  # of a context or a delay, and of output frames per input frame
MAX_NUMBERS = 1 << 26  # in a tensor, its named dimensions aside: a state of 256 MB

Check = tuple[object, str, str, Any]  # good, pointer, message, suggestion


@final
@frozen
class FileEntry:
    """One data file of an addon."""

    sha256: str  # hexadecimal
    bytes: int  # size


@final
@frozen
class Control:
    """What a user can choose: one of ``values``, or a number in a range."""

    values: tuple[str, ...] | None = None  # one of them is chosen; the networks get its index
    min: float | None = None  # of a number
    max: float | None = None  # of a number
    default: str | float | None = None  # first of the values, else 1.0

    def tensor_value(self, name: str, value: Any) -> int | float:
        """Check a chosen value (None: the default) and return its index in ``values``, or it.

        InputError says what is allowed.
        """
        if value is None:
            value = self.default
        if self.values is not None:
            if value is None:
                return 0
            if value not in self.values:
                hint = did_you_mean(str(value), self.values)
                allowed = f"{', '.join(self.values)}" + (f" ({hint})" if hint else "")
                raise InputError(f"{name} {value!r} is not one of: {allowed}")
            return self.values.index(value)
        if isinstance(value, bool | str) or not hasattr(value or 1.0, "__float__"):
            raise InputError(f"{name} must be a number, not {shown(value)}")
        number = 1.0 if value is None else float(value)
        low = -math.inf if self.min is None else self.min
        high = math.inf if self.max is None else self.max
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
    frame_ratio: int = 1  # output frames per input frame

    def checks(self, files: Collection[str]) -> Iterator[Check]:
        """Yield what must hold within the declaration."""
        context, most = self.context or Context(), MAX_FRAMES
        sides = (context.left, context.right)
        both = "has context and state; a network has one of them"
        yield not (self.context and self.state), "", both, "remove one"
        yield min(sides) >= 0, "/context", "must be 0 frames or more", None
        yield max(sides) <= most, "/context", f"must be at most {most} frames", None
        yield (
            self.state or not self.delay,
            "/delay",
            "delay is for networks with state",
            "remove it",
        )
        yield 0 <= self.delay <= most, "/delay", f"must be 0 to {most} frames", None
        yield 1 <= self.frame_ratio <= most, "/frame_ratio", f"must be 1 to {most}", None
        yield self.files, "/files", "names no file", 'add {"onnx": "networks/NAME.onnx"}'
        for kind, path in self.files.items():
            hint = partial(did_you_mean, path, files, "add it with sha256 and bytes")
            yield path in files, f"/files/{kind}", f"{path!r} is not in the manifest's files", hint
        for name, after in self.state.items():
            hint = partial(did_you_mean, name, self.inputs)
            yield name in self.inputs, "/state", f"state {name!r} is not an input", hint
            shape = self.inputs[name].shape[1:] if name in self.inputs else ()
            numbers = all(isinstance(d, int) for d in shape)
            fixed = "the dimensions of a state, except the batch, are numbers"
            yield numbers, f"/inputs/{name}", fixed, None
            hint = partial(did_you_mean, after, self.outputs)
            yield after in self.outputs, f"/state/{name}", f"{after!r} is not an output", hint
        for kind, tensors in (("inputs", self.inputs), ("outputs", self.outputs)):
            for name, spec in tensors.items():
                place = f"/{kind}/{escape(name)}"
                hint = partial(did_you_mean, spec.dtype, DTYPES, f"one of {', '.join(DTYPES)}")
                dtype = f"unknown dtype {spec.dtype!r}"
                yield spec.dtype in DTYPES, f"{place}/dtype", dtype, hint
                sizes = [d for d in spec.shape if isinstance(d, int)]
                bounded = min(sizes, default=0) >= 0 and math.prod(sizes) <= MAX_NUMBERS
                expected = f"sizes must be 0 or more, and at most {MAX_NUMBERS} numbers in all"
                yield bounded, f"{place}/shape", expected, None


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
    files: dict[str, FileEntry]  # every data file except addon.json
    frontend: Any = None  # {"type": ...}, resolved when a voice is built
    stack: Any = None  # list of blocks, an implicit StreamableStack; none: networks for others
    symbols: str | None = None  # path of the symbol tables
    controls: dict[str, Control] = field(factory=dict)  # tensors of each sentence, by name
    # Sizes of a named dimension in texts of the language, each with its share of them:
    # {"text": [[24, 0.1], [61, 0.9]]}. Static executors compile sizes that pad these least.
    sizes: dict[str, tuple[tuple[int, float], ...]] = field(factory=dict)
    description: str = ""  # a line for listings
    card: str | None = None  # path of a text about the voice
    author: str = ""  # the person or organization that made it
    homepage: str = ""  # where it comes from, "https://..."
    datasets: tuple[str, ...] = ()  # what it was trained on
    sample: str = ""  # a short sentence in the voice's language, spoken to warm up
    packed_with: str = ""  # the distribution whose executor it was proved on when it was packed

    @property
    def speaks(self) -> bool:
        """Whether it is a voice, not only networks for other addons, such as a vocoder."""
        return self.stack is not None or self.frontend is not None

    def problems(self) -> Iterator[Invalid]:
        """Yield what does not agree within the manifest."""
        for good, pointer, message, suggestion in self._checks():
            if not good:
                yield Invalid(message, suggestion, pointer)

    def _checks(self) -> Iterator[Check]:
        for name, other in (("frontend", "stack"), ("stack", "frontend")):
            there = not self.speaks or getattr(self, name) is not None
            advice = f"add {name!r}; an addon that only provides networks has no {other!r} either"
            yield there, "", f"{name!r} is missing: a voice has a frontend and a stack", advice
        yield self.name and not NO_NAME.search(self.name), "/name", f"a name {NAMES}", None
        for name, network in self.networks.items():
            place = f"/networks/{escape(name)}"
            yield name and not NO_NAME.search(name), place, f"a network's name {NAMES}", None
            for good, pointer, message, hint in network.checks(self.files):
                yield good, place + pointer, message, hint
        yield from self._file_checks()
        yield from self._text_checks()
        hop = self.audio.hop <= MAX_FRAMES
        yield hop, "/audio/hop", f"must be at most {MAX_FRAMES} samples", None
        for dimension, pairs in self.sizes.items():
            good = pairs and all(size >= 1 and share > 0 for size, share in pairs)
            expected = "expected [[size, share], ...], sizes of 1 or more, shares above 0"
            yield good, f"/sizes/{escape(dimension)}", expected, None
        for option in ("symbols", "card"):
            path = getattr(self, option) or ""
            hint = partial(did_you_mean, path, self.files, "add it with sha256 and bytes")
            there = getattr(self, option) is None or path in self.files
            yield there, f"/{option}", f"{path!r} is not in the manifest's files", hint
        for name, control in self.controls.items():
            place = f"/controls/{escape(name)}"
            if control.values == ():
                yield False, f"{place}/values", "has no values", None
                continue
            try:
                control.tensor_value(name, None)
            except InputError as error:
                yield False, place, f"the default is not allowed: {error}", None

    def _text_checks(self) -> Iterator[Check]:
        """Yield which texts are lines of text: a terminal would obey other characters."""
        names = ("name", "version", "language", "license", "author", "homepage", "description")
        lines = {f"/{name}": getattr(self, name) for name in (*names, "sample", "packed_with")}
        lines |= {f"/datasets/{index}": text for index, text in enumerate(self.datasets)}
        for name, control in self.controls.items():
            lines[f"/controls/{escape(name)}"] = "".join((name, *(control.values or ())))
        for name, network in self.networks.items():
            lines[f"/networks/{escape(name)}"] = name + network.role
        for place, text in lines.items():
            bad = next((c for c in text if not (c.isprintable() or c in "\n\t")), None)
            yield bad is None, place, f"holds {bad!r}, which does more than print", "remove it"
            short = len(text) <= MAX_LINE or place.startswith("/controls") or bad is not None
            yield short, place, f"is longer than {MAX_LINE} characters", "shorten it"
        address = not self.homepage or re.match("https?://", self.homepage)
        yield address, "/homepage", 'expected an address, "https://..."', None

    def _file_checks(self) -> Iterator[Check]:
        """Yield which files can be opened safely on every system."""
        for path, entry in self.files.items():
            place, reason = f"/files/{escape(path)}", unsafe(path)
            yield reason is None, place, f"unsafe path {path!r}: {reason}", UNTRUSTED
            digits = re.fullmatch("[0-9a-fA-F]{64}", entry.sha256)
            yield digits, f"{place}/sha256", "expected 64 hexadecimal digits", None
            small = 0 <= entry.bytes <= MAX_FILE
            yield small, f"{place}/bytes", f"must be 0 to {MAX_FILE} bytes", None
        for first, second in twins(self.files):
            expected = f"{first!r} and {second!r} are one file on some systems"
            yield False, f"/files/{escape(second)}", expected, "rename one of them"
        count, total = len(self.files), sum(entry.bytes for entry in self.files.values())
        yield count <= MAX_FILES, "/files", f"has {count} files, more than {MAX_FILES}", None
        yield total <= MAX_TOTAL, "/files", f"are more than {MAX_TOTAL} bytes in all", None


def format_problem(value: Any) -> tuple[str, str | None] | None:
    """Return what is wrong with the "format" of a manifest, and the next step, or None.

    A manifest without one is left to the check of its keys.
    """
    version = value.get("format", FORMAT) if isinstance(value, Mapping) else FORMAT
    if type(version) is not int or version < 1:
        return f"expected {FORMAT}, not {shown(version)}", None
    if version > FORMAT:
        newer = f"addon format {version} is newer than this voxstack reads ({FORMAT})"
        return newer, "upgrade voxstack"
    return None
