"""Programs as the host hands them out: loaded once, shared, checked and timed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, final

import numpy as np

from voxstack.errors import FAILURES, NetworkError, VoxstackError
from voxstack.executors import Buckets, Executor, Placed, Program, Session, WrappedSession
from voxstack.logs import get_logger
from voxstack.networks import Network
from voxstack.running.declared import Declared
from voxstack.running.fixed.buckets import chosen
from voxstack.running.fixed.shapes import FixedShapes
from voxstack.tensors import Array, Tensors
from voxstack.utterance import current_utterance

log = get_logger("programs")


@final
class ProgramCache:
    """Every program of a host: one per executor, file hash and declaration."""

    def __init__(self) -> None:
        self._programs: dict[Any, Program] = {}
        self._locks: dict[Any, threading.Lock] = {}
        self._lock = threading.Lock()
        self._failed: set[Executor] = set()  # those that could not load something
        self.closed = False

    def first_failure(self, executor: Executor) -> bool:
        """Return whether this is the first load that fails on an executor: worth a warning."""
        with self._lock:
            first = executor not in self._failed
            self._failed.add(executor)
        return first

    def get(self, executor: Executor, network: Network) -> Program:
        """Return the program of ``network`` on ``executor``, loading it if nobody has."""
        fixed = tuple(sorted(network.dimensions.items()))
        # Two manifests may declare one file differently: each declaration is checked.
        parts = (network.inputs, network.outputs, network.state)
        declared = tuple(tuple(part.items()) for part in parts)
        key = (executor, network.digest(file_format(executor, network)), fixed, declared)
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            self.require_open()
            if key not in self._programs:
                self._programs[key] = _loaded(executor, network)
            return self._programs[key]

    def __len__(self) -> int:
        return len(self._programs)

    def require_open(self) -> None:
        """Raise if the host was closed."""
        if self.closed:
            raise VoxstackError("the host is closed; open a new one: with Host() as host")

    def close(self) -> None:
        """Free all programs; waits for one that is being loaded."""
        self.closed = True
        with self._lock:
            locks = list(self._locks.items())
        for key, lock in locks:
            with lock:
                program = self._programs.pop(key, None)
                if program is not None:
                    program.close()


def file_format(executor: Executor, network: Network) -> str:
    """Return the format in which ``executor`` takes ``network``; NetworkError if there is none."""
    for name in executor.formats:
        if name in network.files:
            return name
    formats = f"{', '.join(executor.formats)}, and the network {network.qualified_name!r} comes as"
    formats = f"{type(executor).__name__} takes {formats} {', '.join(network.files)}"
    raise NetworkError(f"{formats}; choose another executor")


def buckets_of(executor: Executor) -> Buckets:
    """Return the sizes that a static executor was given, if it has such an option."""
    given = getattr(executor, "buckets", None)
    return given if isinstance(given, Buckets) else Buckets()


def _loaded(executor: Executor, network: Network) -> Program:
    started, name = time.perf_counter(), type(executor).__name__
    try:
        program = executor.load(network)
    except VoxstackError:
        raise
    except FAILURES as error:
        file = network.files[file_format(executor, network)]
        place = f"({file}, declared in {network.place or 'its manifest'})"
        what = f"{name} cannot load the network {network.qualified_name!r} {place}"
        raise NetworkError(f"{what}: {type(error).__name__}: {error}") from error
    if not isinstance(program, Program):
        what = f"{name}.load returned {type(program).__name__}"
        raise NetworkError(f"{what}, expected a voxstack.Program")
    for method in ("session", "stack", "unstack", "close"):
        if not callable(getattr(program, method)):
            what = f"{type(program).__name__} of {name} has an attribute self.{method}"
            hides = f"which hides the method Program.{method}(); rename it"
            raise NetworkError(f"{what}, {hides}")
    seconds = round(time.perf_counter() - started, 3)
    log.info("network loaded", network=network.qualified_name, executor=name, seconds=seconds)
    return program


@final
class HostedProgram(Program):
    """The program of a network, loaded when it is first needed.

    Checks its inputs and outputs, fills in the mask, and counts the time for the utterance. If
    ``executor`` cannot load the network, the next one of ``placed`` does; ``passed_over`` says
    why those before could not.
    """

    def __init__(self, network: Network, placed: Placed, cache: ProgramCache) -> None:
        self.network = network
        self.executor, *self._others = placed.executors
        self.passed_over = [*placed.passed_over]
        self._cache = cache
        self._lock = threading.Lock()
        self._program: Program | None = None
        self._declared = Declared(network)

    @property
    def loaded(self) -> bool:
        """Whether the network is loaded."""
        return self._program is not None

    def load(self) -> Program:
        """Load the network; the same for all who share it."""
        self._cache.require_open()
        if self._program is None:
            with self._lock:
                if self._program is None:
                    self._program = self._loaded()
        return self._program

    def _loaded(self) -> Program:
        """Load on the first executor that can."""
        while True:
            try:
                return self._load_on(self.executor)
            except NetworkError as error:
                if not self._others:
                    raise
                failed, self.executor = self.executor, self._others.pop(0)
                self.passed_over.append(f"{type(failed).__name__}: {error.message}")
                write = log.warning if self._cache.first_failure(failed) else log.info
                write(
                    "executor passed over",
                    network=self.network.qualified_name,
                    reason=self.passed_over[-1],
                    using=type(self.executor).__name__,
                )

    def _load_on(self, executor: Executor) -> Program:
        if not executor.static:
            return self._cache.get(executor, self.network)
        file_format(executor, self.network)
        load, name = partial(self._cache.get, executor), type(executor).__name__
        try:
            return FixedShapes(self.network, load, buckets_of(executor), name)
        except VoxstackError:
            raise
        except FAILURES as error:  # the first run of a shape, which is a part of loading here
            raise self._error(error, "could not be run once in a fixed shape", {}) from error

    def limits(self) -> dict[str, int]:
        """Return the longest that inputs may be along their last dimension, if it is fixed."""
        if not self.executor.static or self.network.state:
            return {}
        sizes = chosen(self.network, buckets_of(self.executor))
        last = {n: self.network.inputs[n].shape[-1:] for n in self.network.consumes}
        return {n: sizes[d[0]][-1] for n, d in last.items() if d and d[0] in sizes}

    @property
    def step(self) -> int | None:  # type: ignore[override]
        """Frames that every step must have, or None."""
        return self.load().step

    @property
    def longest(self) -> int | None:  # type: ignore[override]
        """Frames that a window has at most, or None."""
        return self.load().longest

    def __call__(self, inputs: Mapping[str, Array]) -> Tensors:
        """Run the network."""
        program = self.load()
        return self._run(program, self._declared.taken(inputs, self.network.inputs))

    def session(self, constants: Mapping[str, Array]) -> Session:
        """Begin an utterance on the executor's own session."""
        checked = self._declared.taken(constants, constants, whole=False)
        return _HostedSession(self, self.load().session(checked), constants)

    def _run(self, run: Any, inputs: Mapping[str, Array]) -> Tensors:
        utterance, started = current_utterance(), time.perf_counter()
        try:
            outputs: Tensors = run(inputs)
        except VoxstackError:
            raise
        except Exception as error:  # not SystemExit: a program's signal handler may raise it here
            raise self._error(error, "failed", inputs) from error
        if utterance is not None:
            utterance.record(self.network.name, time.perf_counter() - started)
        name = type(self.executor).__name__
        if not self.executor.static:  # else the padded outputs were compared
            self._declared.require_declared(outputs, inputs, name)
        self._declared.require_finite(outputs, name)
        return outputs

    def _error(self, error: BaseException, what: str, inputs: Mapping[str, Array]) -> NetworkError:
        shapes = ", ".join(f"{name} {list(np.shape(value))}" for name, value in inputs.items())
        where = f"{self.network.qualified_name!r} {what} on {type(self.executor).__name__}"
        reason = f"{type(error).__name__}: {error}" + (f" (inputs: {shapes})" if shapes else "")
        return NetworkError(f"the network {where}: {reason}")


@final
class _HostedSession(WrappedSession):
    """A session that checks and times its steps."""

    def __init__(
        self, program: HostedProgram, inner: Session, constants: Mapping[str, Array]
    ) -> None:
        super().__init__(inner)
        self._program = program
        given = {*program.network.state, *constants}
        self._fed = [name for name in program.network.inputs if name not in given]

    def step(self, inputs: Mapping[str, Array]) -> Tensors:
        """Feed consecutive frames."""
        self._program.load()  # raises if the host was closed meanwhile
        checked = self._program._declared.taken(inputs, self._fed)
        return self._program._run(self._inner.step, checked)


def load_all(programs: Iterable[HostedProgram]) -> None:
    """Load programs side by side; raises the first error, in the order of the stack."""
    wanted = [program for program in programs if not program.loaded]
    if not wanted:
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(wanted)) as pool:
        for loading in [pool.submit(program.load) for program in wanted]:
            loading.result()
