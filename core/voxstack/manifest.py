"""The manifest of an addon: what addon.json says, typed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, final

from attrs import field, frozen

from voxstack.errors import InputError, did_you_mean
from voxstack.networks import DTYPES, Context, TensorSpec
from voxstack.provided import AudioFormat
from voxstack.structure import Unfit

FORMAT = 1  # the addon format that this version writes and reads


@final
@frozen
class FileEntry:
    """One data file of an addon."""

    sha256: str  # hexadecimal
    bytes: int  # size


@final
@frozen
class Control:
    """Something that a speaker of text can choose: one of ``values``, or a number in a range."""

    values: tuple[str, ...] | None = None
    min: float | None = None
    max: float | None = None
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
            raise InputError(f"{name} must be a number, not {value!r}")
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

    role: str
    files: dict[str, str]  # format -> path in the addon
    inputs: dict[str, TensorSpec]
    outputs: dict[str, TensorSpec]
    context: Context | None = None
    state: dict[str, str] = field(factory=dict)
    delay: int = 0
    frame_ratio: int = 1

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
        if self.frame_ratio < 1:
            yield Unfit("must be 1 or more", None, "/frame_ratio")
        if not self.files:
            yield Unfit("names no file", 'add {"onnx": "networks/NAME.onnx"}', "/files")
        for name, after in self.state.items():
            if name not in self.inputs:
                yield Unfit(
                    f"state {name!r} is no input", did_you_mean(name, self.inputs), "/state"
                )
            elif any(isinstance(d, str) for d in self.inputs[name].shape[1:]):
                yield Unfit(
                    "a state's dimensions but the batch are numbers", None, f"/inputs/{name}"
                )
            if after not in self.outputs:
                hint = did_you_mean(after, self.outputs)
                yield Unfit(f"{after!r} is no output", hint, f"/state/{name}")
        for kind, tensors in (("inputs", self.inputs), ("outputs", self.outputs)):
            for name, spec in tensors.items():
                if spec.dtype not in DTYPES:
                    hint = did_you_mean(spec.dtype, DTYPES) or f"one of {', '.join(DTYPES)}"
                    yield Unfit(f"unknown dtype {spec.dtype!r}", hint, f"/{kind}/{name}/dtype")
        for kind, path in self.files.items():
            if path not in files:
                yield Unfit(
                    f"{path!r} is not in the manifest's files",
                    did_you_mean(path, files) or "add it with sha256 and bytes",
                    f"/files/{kind}",
                )


@final
@frozen
class Manifest:
    """What addon.json says."""

    format: int
    name: str
    version: str
    language: str  # BCP 47, "en-US"
    license: str
    audio: AudioFormat
    networks: dict[str, NetworkManifest]
    files: dict[str, FileEntry]  # every data file but addon.json
    frontend: Any = None  # {"type": ...}, resolved when a voice is built
    stack: Any = None  # list of blocks, an implicit StreamableStack; none: networks for others
    symbols: str | None = None  # path of the symbol tables
    controls: dict[str, Control] = field(factory=dict)
    # Sizes of a named dimension in texts of the language, each with its share of them:
    # {"text": [[24, 0.1], [61, 0.9]]}. Static executors compile sizes that pad these least.
    sizes: dict[str, tuple[tuple[int, float], ...]] = field(factory=dict)
    description: str = ""
    card: str | None = None  # path of a text about the voice
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
        for name, network in self.networks.items():
            if ":" in name:
                yield Unfit("a network's name has no ':'", None, f"/networks/{name}")
            for unfit in network.problems(self.files):
                yield Unfit(unfit.message, unfit.suggestion, f"/networks/{name}{unfit.pointer}")
        for dimension, pairs in self.sizes.items():
            if not pairs or any(size < 1 or not share > 0 for size, share in pairs):
                expected = "expected [[size, share], ...], sizes of 1 or more, shares above 0"
                yield Unfit(expected, None, f"/sizes/{dimension}")
        for option in ("symbols", "card"):
            path = getattr(self, option)
            if path is not None and path not in self.files:
                hint = did_you_mean(path, self.files) or "add it with sha256 and bytes"
                yield Unfit(f"{path!r} is not in the manifest's files", hint, f"/{option}")
        for name, control in self.controls.items():
            if control.values is not None and not control.values:
                yield Unfit("has no values", None, f"/controls/{name}/values")
                continue
            try:
                control.tensor_value(name, None)
            except InputError as error:
                yield Unfit(f"the default is not allowed: {error}", None, f"/controls/{name}")
