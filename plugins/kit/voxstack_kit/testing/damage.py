"""Damaged networks, loaded by an executor in a child process."""

from __future__ import annotations

import pickle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import attrs
import numpy as np
from voxstack import Executor, Network, VoxstackError
from voxstack.inspection import HostedProgram, Placed, ProgramCache

from voxstack_kit.testing.failures import fail
from voxstack_kit.testing.suite import PATIENCE_S
from voxstack_kit.trying.children import Job, run_apart

LOADED, STRANGE = "loaded", "no module for it"


def damages(data: bytes) -> dict[str, bytes]:
    """Return damaged forms of a file."""
    noise = np.random.default_rng(0).bytes(2048)
    middle = len(data) // 2
    return {
        "nothing at all": b"",
        "noise": noise,
        "its first half": data[:middle],
        "its first bytes, then noise": data[:16] + noise,
        "a text": b"<html>404 Not Found</html>",
    }


def require_survived(executor: Executor, network: Network) -> None:
    """Fail if damaged bytes end or hang the process, load, or raise an error without a place."""
    __tracebackhide__ = True
    bare: Network = attrs.evolve(cast(Any, network), read=None, digest=None)
    cases = damages(network.read(next(f for f in executor.formats if f in network.files)))
    advice = "raise any Exception from load(); check what the runtime does not"
    try:
        given = pickle.dumps((executor, bare, cases))
        pickle.loads(given)
    except Exception:  # a class made in a test: no process but this one has it
        errors = dict.fromkeys(cases, STRANGE)
    else:
        with TemporaryDirectory(prefix="voxstack-") as folder:
            path = Path(folder) / "cases"
            path.write_bytes(given)
            call = "voxstack_kit.testing.damage:load_case"
            jobs = [Job(call, {"path": str(path), "what": what}) for what in cases]
            outcomes = run_apart(jobs, PATIENCE_S)
        errors = {}
        for what, outcome in zip(cases, outcomes, strict=True):
            if outcome.failure:
                fail(f"a network that is {what}: {outcome.failure}", advice)
            errors[what] = outcome.value
    for what, data in cases.items():
        if errors[what] == STRANGE:
            errors[what] = load_damaged(executor, bare, data)
    for what, error in errors.items():
        if error == LOADED:
            fail(f"a network that is {what} is loaded as if it were whole", advice)
        name = type(executor).__name__
        if name not in error or network.name not in error:
            fail(
                f"a network that is {what}: the error does not name executor and network: {error}",
                "raise the runtime's error as it is, and the host adds the rest; a VoxstackError "
                "of your own names both",
            )


def load_case(path: str, what: str) -> str:
    """Load one of the damaged networks, in the child."""
    try:
        executor, network, cases = pickle.loads(Path(path).read_bytes())
    except ImportError:  # a module of tests: only pytest can import it
        return STRANGE
    return load_damaged(executor, network, cases[what])


def load_damaged(executor: Executor, network: Network, data: bytes) -> str:
    """Load a network of these bytes through the host; return the error's text."""
    damaged: Any = attrs.evolve(network, read=lambda _: data, digest=lambda _: "damaged")
    try:
        HostedProgram(damaged, Placed((executor,)), ProgramCache()).load()
    except VoxstackError as error:
        return str(error)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return LOADED
