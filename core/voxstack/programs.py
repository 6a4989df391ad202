"""Programs as the host hands them out: loaded once, shared, checked and timed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, final

import numpy as np

from voxstack.buckets import Buckets, chosen
from voxstack.declared import Declared
from voxstack.errors import FAILURES, NetworkError, VoxstackError
from voxstack.executors import Executor, Program, Session
from voxstack.logs import get_logger
from voxstack.networks import Network
from voxstack.shapes import FixedShapes
from voxstack.tensors import Array, Tensors
from voxstack.utterance import current_utterance

log = get_logger("programs")


@final
class ProgramCache:
    """Every program of a host: one for each (executor, file hash), loaded under a lock."""

    def __init__(self) -> None:
        self._programs: dict[Any, Program] = {}
        self._locks: dict[Any, threading.Lock] = {}
        self._lock = threading.Lock()
        self._told: set[Executor] = set()  # those that could not load something
        self.closed = False

    def first_failure(self, executor: Executor) -> bool:
        """Tell whether this is the first load that fails on an executor: that one is warned of."""
        with self._lock:
            first = executor not in self._told
            self._told.add(executor)
        return first

    def get(self, executor: Executor, network: Network) -> Program:
        """Give the program of ``network`` on ``executor``, loading it if nobody has."""
        fixed = tuple(sorted(network.dimensions.items()))
        state = tuple(network.state.items())  # two manifests may declare one file
        key = (executor, network.digest(file_format(executor, network)), fixed, state)
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
    """Choose the format in which ``executor`` takes ``network``."""
    for name in executor.formats:
        if name in network.files:
            return name
    raise NetworkError(
        f"{type(executor).__name__} takes {', '.join(executor.formats)}, and the network "
        f"{network.qualified_name!r} comes as {', '.join(network.files)}; choose another executor"
    )


def buckets_of(executor: Executor) -> Buckets:
    """Give the sizes that a static executor was given, if it has such an option."""
    given = getattr(executor, "buckets", None)
    return given if isinstance(given, Buckets) else Buckets()


def _loaded(executor: Executor, network: Network) -> Program:
    started = time.perf_counter()
    try:
        program = executor.load(network)
    except VoxstackError:
        raise
    except FAILURES as error:
        raise NetworkError(
            f"{type(executor).__name__} cannot load the network {network.qualified_name!r} "
            f"({network.files[file_format(executor, network)]}, declared in "
            f"{network.place or 'its manifest'}): {type(error).__name__}: {error}"
        ) from error
    if not isinstance(program, Program):
        raise NetworkError(
            f"{type(executor).__name__}.load gave {type(program).__name__}, expected a "
            "voxstack.Program"
        )
    for name in ("session", "stack", "unstack", "close"):
        if not callable(getattr(program, name)):
            raise NetworkError(
                f"{type(program).__name__} of {type(executor).__name__} keeps something in "
                f"self.{name}, which hides the method Program.{name}(): give it another name"
            )
    log.info(
        "network loaded",
        network=network.qualified_name,
        executor=type(executor).__name__,
        seconds=round(time.perf_counter() - started, 3),
    )
    return program


@final
class HostedProgram(Program):
    """The program of a network, loaded when it is first needed.

    Checks what it is given and what it gets, fills in the mask, and counts the time for the
    utterance. Where ``executor`` cannot load the network, the next of ``others`` does;
    ``passed_over`` says why those before could not.
    """

    def __init__(
        self,
        network: Network,
        executor: Executor,
        cache: ProgramCache,
        others: Sequence[Executor] = (),
        passed_over: Sequence[str] = (),
    ) -> None:
        self.network = network
        self.executor = executor
        self.passed_over = [*passed_over]
        self._others = [*others]
        self._cache = cache
        self._lock = threading.Lock()
        self._program: Program | None = None
        self._declared = Declared(network)

    @property
    def loaded(self) -> bool:
        """Tell whether the network is loaded."""
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
                say = log.warning if self._cache.first_failure(failed) else log.info
                say(
                    "executor passed over",
                    network=self.network.qualified_name,
                    reason=self.passed_over[-1],
                    using=type(self.executor).__name__,
                )

    def _load_on(self, executor: Executor) -> Program:
        if not executor.static:
            return self._cache.get(executor, self.network)
        file_format(executor, self.network)
        load = partial(self._cache.get, executor)
        try:
            name = type(executor).__name__
            return FixedShapes(self.network, load, buckets_of(executor), name)
        except VoxstackError:
            raise
        except FAILURES as error:  # the first run of a shape, which is a part of loading here
            raise self._failed(error, "could not be run once in a fixed shape", {}) from error

    def limits(self) -> dict[str, int]:
        """Give the longest that an input may be along its last dimension, where that is fixed."""
        if not self.executor.static or self.network.state:
            return {}
        sizes = chosen(self.network, buckets_of(self.executor))
        last = {n: self.network.inputs[n].shape[-1:] for n in self.network.consumes}
        return {n: sizes[d[0]][-1] for n, d in last.items() if d and d[0] in sizes}

    @property
    def step(self) -> int | None:  # type: ignore[override]
        """Frames that every step must have, or None."""
        return self.load().step

    def __call__(self, inputs: Mapping[str, Array]) -> Tensors:
        """Run the network."""
        program = self.load()
        checked = self._declared.taken(inputs, self.network.inputs)
        return self._timed(program, checked)

    def session(self, constants: Mapping[str, Array]) -> Session:
        """Begin an utterance on the executor's own session."""
        checked = self._declared.taken(constants, constants, whole=False)
        return _HostedSession(self, self.load().session(checked), constants)

    @property
    def longest(self) -> int | None:  # type: ignore[override]
        """Frames that a window has at most, or None."""
        return self.load().longest

    def _timed(self, run: Any, inputs: Mapping[str, Array]) -> Tensors:
        utterance = current_utterance()
        started = time.perf_counter()
        try:
            outputs: Tensors = run(inputs)
        except VoxstackError:
            raise
        except Exception as error:  # not SystemExit: a program's signal handler may raise it here
            raise self._failed(error, "failed", inputs) from error
        if utterance is not None:
            utterance.record(self.network.name, time.perf_counter() - started)
        self._declared.require_made(outputs, inputs, type(self.executor).__name__)
        return outputs

    def _failed(self, error: BaseException, what: str, inputs: Mapping[str, Array]) -> NetworkError:
        shapes = ", ".join(f"{name} {list(np.shape(value))}" for name, value in inputs.items())
        return NetworkError(
            f"the network {self.network.qualified_name!r} {what} on "
            f"{type(self.executor).__name__}: {type(error).__name__}: {error}"
            + (f" (inputs: {shapes})" if shapes else "")
        )


@final
class _HostedSession(Session):
    """A session that checks and times its steps."""

    def __init__(
        self, program: HostedProgram, inner: Session, constants: Mapping[str, Array]
    ) -> None:
        self._program, self._inner = program, inner
        given = {*program.network.state, *constants}
        self._fed = [name for name in program.network.inputs if name not in given]

    @property
    def state(self) -> Mapping[str, Array]:
        """Where the session is, as the executor keeps it."""
        return self._inner.state

    @state.setter
    def state(self, state: Mapping[str, Array]) -> None:
        self._inner.state = state

    def step(self, inputs: Mapping[str, Array]) -> Tensors:
        """Feed consecutive frames."""
        self._program.load()  # says so if the host was closed meanwhile
        checked = self._program._declared.taken(inputs, self._fed)
        return self._program._timed(self._inner.step, checked)


def load_all(programs: Iterable[HostedProgram]) -> None:
    """Load programs side by side; raises the first error, in the order of the stack."""
    wanted = [program for program in programs if not program.loaded]
    errors: dict[int, BaseException] = {}

    def load(index: int) -> None:
        try:
            wanted[index].load()
        except BaseException as error:
            errors[index] = error

    threads = [threading.Thread(target=load, args=(i,)) for i in range(1, len(wanted))]
    for thread in threads:
        thread.start()
    if wanted:
        load(0)
    for thread in threads:
        thread.join()
    if errors:
        raise errors[min(errors)]
