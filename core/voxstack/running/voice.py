"""Voices: an addon built into a running stack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, final

import numpy as np
from attrs import define, field

from voxstack.addons import Addon
from voxstack.errors import InputError, did_you_mean
from voxstack.running.audio import Audio
from voxstack.running.built import BuiltStack
from voxstack.running.programs import HostedProgram, load_all
from voxstack.running.stream import Request, Stream
from voxstack.schedule import DOUBLING
from voxstack.tensors import Mark

ONE_PIECE = 1 << 30  # frames: more than any sentence has

Announce = Callable[..., None]  # (hook, **arguments)


@final
@define(eq=False, repr=False)
class Voice:
    """An addon built into a running stack. Any number of threads may use it at once."""

    addon: Addon
    built: BuiltStack = field(repr=False)
    defaults: Mapping[str, Any] = field(factory=dict)  # controls set by the deployment
    announce: Announce = field(default=lambda hook, **arguments: None, repr=False)
    _limits: Mapping[str, int] | None = field(default=None, init=False, repr=False)

    def __repr__(self) -> str:
        return f"<Voice {self.name!r} {self.addon.manifest.version}>"

    @property
    def name(self) -> str:
        """The addon's name."""
        return self.addon.name

    @property
    def sample_rate(self) -> int:
        """Samples per second of the audio that it makes."""
        return self.addon.manifest.audio.sample_rate

    @property
    def controls(self) -> Mapping[str, Any]:
        """What can be chosen: speaker, rate, ... with the allowed values."""
        return self.addon.manifest.controls

    @property
    def programs(self) -> Sequence[HostedProgram]:
        """The networks that it runs."""
        return self.built.programs

    @property
    def loaded(self) -> bool:
        """Whether every network is loaded."""
        return all(program.loaded for program in self.programs)

    @property
    def limits(self) -> Mapping[str, int]:
        """The most symbols that a tensor of a sentence may have, if shapes are fixed."""
        if self._limits is not None:
            return self._limits
        limits: dict[str, int] = {}
        for program in self.programs:
            for name, most in program.limits().items():
                limits[name] = min(most, limits.get(name, most))
        if self.loaded:  # before, another executor may yet take a network over
            self._limits = limits
        return limits

    def load(self) -> None:
        """Load every network; ``Host.voice`` has done it."""
        load_all(self.programs)

    def warm_up(self) -> None:
        """Speak a short sentence and drop it, so that the first request finds all ready."""
        with self.stream(self.addon.manifest.sample or "a") as chunks:
            try:
                for _ in chunks:
                    pass
            except InputError:
                return  # a voice without a sample that cannot speak "a"

    def stream(
        self,
        text: str | Iterable[str],
        *,
        seed: int = 0,
        frames: Sequence[int] = DOUBLING,
        **controls: Any,
    ) -> Stream:
        """Speak ``text``: an iterator of chunks with ``audio`` [1, T], float32, full scale 1.

        ``text`` may come in pieces, as it arrives. ``frames`` are the chunk sizes, the last one
        repeating; the audio is the same whatever they are. ``controls`` are those of the voice.
        InputError for a control that is not allowed, and, at the first chunk, for text without
        anything to speak.
        """
        inputs = self._inputs(seed, controls)
        if not isinstance(text, str) and (isinstance(text, bytes) or not hasattr(text, "__iter__")):
            what = type(text).__name__
            raise InputError(f"text must be a string or an iterable of strings, not {what}")
        request = Request(text, inputs, tuple(frames), seed)
        self.built.planned(request.frames)  # refuses what are not chunk sizes
        return Stream(self, request)

    def synthesize(self, text: str | Iterable[str], *, seed: int = 0, **controls: Any) -> Audio:
        """Speak ``text`` whole, each sentence in one piece: the same audio as streamed."""
        parts: list[Any] = []
        marks: list[Mark] = []
        with self.stream(text, seed=seed, frames=(ONE_PIECE,), **controls) as chunks:
            for chunk in chunks:
                parts.append(np.asarray(chunk["audio"], dtype=np.float32)[0])
                marks.extend(chunk.marks)
        samples = np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)
        return Audio(samples, self.sample_rate, tuple(marks))

    def _inputs(self, seed: int, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the sequence tensors that stay the same through the utterance."""
        for name in given:
            if name not in self.controls:
                known = f"it has: {', '.join(self.controls) or 'none'}"
                hint = did_you_mean(name, self.controls, known)
                raise InputError(f"the voice {self.name!r} has no control {name!r} ({hint})")
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 1 << 32:
            raise InputError(f"seed must be a whole number from 0 to {(1 << 32) - 1}, not {seed!r}")
        inputs: dict[str, Any] = {"seed": np.array([seed], dtype=np.int64)}
        for name, control in self.controls.items():
            value = given.get(name)
            number = control.tensor_value(name, self.defaults.get(name) if value is None else value)
            dtype = np.int64 if isinstance(number, int) else np.float32
            inputs[name] = np.array([number], dtype=dtype)
        return inputs
