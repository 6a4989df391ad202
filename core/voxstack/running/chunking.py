"""Run a network over a stream of frames, exactly.

The network's manifest chooses one of two forms. With ``context`` it is called on windows (left +
new + right). With ``state`` it is stepped over consecutive frames, and its output lags by
``delay`` frames: nothing is recomputed. In both forms the output is that of one call on the whole
utterance, whatever the chunk sizes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np

from voxstack.errors import MissingTensorError
from voxstack.executors import Program, Session
from voxstack.networks import MASK, Network, TensorSpec
from voxstack.schedule import Schedule
from voxstack.tensors import Array, Chunk, Mark, Tensors


class FrameBuffer:
    """Frames of an upstream, read as far as needed and dropped after use."""

    def __init__(self, upstream: Iterable[Chunk]) -> None:
        self._upstream = iter(upstream)
        self._chunks: list[tuple[int, int, Mapping[str, Array]]] = []  # start, end, tensors
        self._marks: list[Mark] = []
        self._like: Mapping[str, Array] = {}  # the last tensors, for their dtypes and channels
        self.end = 0  # frames read so far
        self.ended = False  # nothing follows

    def read_to(self, frame: int) -> None:
        """Read upstream until ``frame`` frames were read or it ends."""
        while self.end < frame and not self.ended:
            chunk = next(self._upstream, None)
            if chunk is None:
                self.ended = True
                return
            self._marks.extend(chunk.marks)
            self._like = chunk.tensors or self._like
            if len(chunk):
                self._chunks.append((self.end, self.end + len(chunk), chunk.tensors))
                self.end += len(chunk)
            self.ended = chunk.last

    def forget_before(self, frame: int) -> None:
        """Drop the frames before ``frame``."""
        while self._chunks and self._chunks[0][1] <= frame:
            self._chunks.pop(0)

    def frames(self, start: int, end: int, names: Collection[str] | None = None) -> Tensors:
        """Return tensors of the frames ``[start, end)``, which must have been read.

        All of them, or those of ``names`` that exist.
        """
        parts = [
            (tensors, max(0, start - first), min(after, end) - first)
            for first, after, tensors in self._chunks
            if first < end and after > start
        ] or [(self._like, 0, 0)]
        there = parts[0][0]
        wanted = there if names is None else [name for name in names if name in there]
        if len(parts) == 1:
            tensors, a, b = parts[0]
            return Tensors({name: np.asarray(tensors[name])[..., a:b] for name in wanted})
        return Tensors(
            {
                name: np.concatenate([np.asarray(t[name])[..., a:b] for t, a, b in parts], axis=-1)
                for name in wanted
            }
        )

    def marks(self, end: int | None, ratio: int) -> tuple[Mark, ...]:
        """Remove and return marks that begin before frame ``end`` (None: all), in output frames."""
        if not self._marks:
            return ()
        begun = [m for m in self._marks if end is None or m.start < end]
        self._marks = [m for m in self._marks if end is not None and m.start >= end]
        return tuple(begun) if ratio == 1 else tuple(m.moved(m.start * ratio) for m in begun)


def run_network(
    program: Program,
    sequence: Tensors,
    upstream: Iterable[Chunk],
    schedule: Schedule = Schedule(),  # noqa: B008 - frozen
) -> Iterator[Chunk]:
    """Yield ``program``'s outputs over the frames of ``upstream``, in chunks of ``schedule``.

    An input comes from the frames if they have it, else from ``sequence`` if it is a constant:
    MissingTensorError for one that has a value per frame. If the network keeps the frame rate,
    the chunks keep those of their tensors that are wanted downstream by the schedule.
    """
    network = program.network
    buffer = FrameBuffer(upstream)
    form: _Stepped | _Windowed = (_Stepped if network.state else _Windowed)(
        program, sequence, buffer
    )
    ratio = network.frame_ratio
    done = 0
    for size in schedule:
        buffer.read_to(done + size + network.look_ahead)
        end = done + max(0, min(size, buffer.end - done))
        last = buffer.ended and end >= buffer.end
        tensors: Mapping[str, Array]
        if end > done:
            tensors = form.outputs(done, end)
        else:
            tensors = {name: network.outputs[name].empty() for name in network.produces}
        if ratio == 1:
            tensors = {**buffer.frames(done, end, kept(schedule.wanted, network)), **tensors}
        marks = buffer.marks(None if last else end, ratio)
        yield Chunk(tensors, start=done * ratio, last=last, marks=marks)
        if last:
            return
        done = end
        form.forget_before(done)


def kept(wanted: Collection[str] | None, network: Network) -> Collection[str] | None:
    """Return which tensors of the frames to pass on: all, or those wanted that it lacks."""
    return None if wanted is None else [n for n in wanted if n not in network.produces]


class _Windowed:
    """A network with context, called on windows: left + new + right."""

    def __init__(self, program: Program, sequence: Tensors, buffer: FrameBuffer) -> None:
        self.program, self.sequence, self.buffer = program, sequence, buffer
        self.left = program.network.context.left if program.network.context else 0
        self.right = program.network.look_ahead
        # If shapes are fixed, the wanted frames may need more than one window.
        longest = program.longest
        self.most = None if longest is None else max(1, longest - self.left - self.right)
        self.constants: dict[str, Array] | None = None  # looked up with the first window

    def outputs(self, start: int, end: int) -> Tensors:
        if self.most is None or end - start <= self.most:
            return self._window(start, end)
        starts = range(start, end, self.most)
        parts = [self._window(a, min(a + self.most, end)) for a in starts]
        return Tensors({n: np.concatenate([part[n] for part in parts], -1) for n in parts[0]})

    def _window(self, start: int, end: int) -> Tensors:
        network = self.program.network
        first, after = max(0, start - self.left), min(self.buffer.end, end + self.right)
        frames = self.buffer.frames(first, after, network.consumes)
        if self.constants is None:
            self.constants = _constants(network, frames, self.sequence)
        made = self.program({**frames, **self.constants})
        return _trimmed(network, made, start - first, end - start)

    def forget_before(self, frame: int) -> None:
        self.buffer.forget_before(frame - self.left)


class _Stepped:
    """A network with state; after the end it is fed masked zeros that flush its delay."""

    def __init__(self, program: Program, sequence: Tensors, buffer: FrameBuffer) -> None:
        self.program, self.sequence, self.buffer = program, sequence, buffer
        self.session: Session | None = None
        self.fed = 0
        self.step = program.step
        self.over = Tensors()  # with fixed steps: outputs that are not wanted yet
        self.over_start = 0  # the frame of the first of them

    def outputs(self, start: int, end: int) -> Tensors:
        network = self.program.network
        target = end + network.delay
        if self.step is None:
            first = self.fed - network.delay
            return _trimmed(network, self._feed(target - self.fed), start - first, end - start)
        parts = [self.over] if self.over else []
        first = self.over_start if self.over else self.fed - network.delay
        while self.fed < target:
            self.buffer.read_to(self.fed + self.step)
            parts.append(self._feed(self.step))
        outputs = {
            name: np.concatenate([np.asarray(part[name]) for part in parts], axis=-1)
            for name in network.produces
        }
        self.over = _trimmed(network, outputs, end - first, self.fed - network.delay - end)
        self.over_start = end
        return _trimmed(network, outputs, start - first, end - start)

    def _feed(self, count: int) -> Tensors:
        """Step over the next ``count`` frames; the first output is that of ``fed - delay``."""
        network, fed = self.program.network, self.fed
        real_end = max(fed, min(self.buffer.end, fed + count))
        inputs: dict[str, Array] = self.buffer.frames(fed, real_end, network.consumes)
        if self.session is None:
            constants = _constants(network, inputs, self.sequence)
            self.session = self.program.session(constants)
        if MASK in network.inputs:
            inputs[MASK] = np.ones((1, real_end - fed), dtype=network.inputs[MASK].dtype)
        padding = fed + count - real_end
        if padding:
            inputs = {name: _padded(tensor, padding) for name, tensor in inputs.items()}
        self.fed = fed + count
        return self.session.step(inputs)

    def forget_before(self, frame: int) -> None:
        self.buffer.forget_before(min(self.fed, frame))


def _constants(
    network: Network, frames: Mapping[str, Array], sequence: Tensors
) -> dict[str, Array]:
    """Return the inputs that are the same for every frame.

    A tensor of the sequence may share the name of one that the frames lack and be something
    else: one value per symbol where the network takes one per frame.
    """
    missing = [name for name in network.consumes if name not in frames]
    if not missing:
        return {}
    along = {_along(network.inputs[name]) for name in frames}
    along |= {_along(network.inputs[MASK])} if MASK in network.inputs else set()
    if network.frame_ratio == 1:
        along |= {_along(network.outputs[name]) for name in network.produces}
    constants = {}
    for name in missing:
        spec = network.inputs[name]
        if _along(spec) in along - {None}:
            shape = f"[{', '.join(map(str, spec.shape))}]"
            of = f"frames of the network {network.qualified_name!r}, which takes it as {shape}"
            if name in sequence:
                of += " (the one of the sequence has no value per frame)"
            raise MissingTensorError(name, frames, of)
        constants[name] = sequence[name]
    return constants


def _along(spec: TensorSpec) -> str | None:
    """Return the named time dimension of a tensor, or None."""
    last = spec.shape[-1] if len(spec.shape) > 1 else None
    return last if isinstance(last, str) else None


def _padded(tensor: Array, frames: int) -> Array:
    array = np.asarray(tensor)
    zeros = np.zeros((*array.shape[:-1], frames), dtype=array.dtype)
    return np.concatenate((array, zeros), axis=-1)


def _trimmed(network: Network, outputs: Mapping[str, Array], skip: int, frames: int) -> Tensors:
    """Keep ``frames`` input frames' worth of every output, after the first ``skip``."""
    first, after = skip * network.frame_ratio, (skip + frames) * network.frame_ratio
    return Tensors({name: np.asarray(outputs[name])[..., first:after] for name in network.produces})
