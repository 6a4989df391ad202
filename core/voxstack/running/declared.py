"""A network's declaration, compared with what it is given and with what an executor makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, final

import numpy as np
from attrs import frozen

from voxstack.errors import MissingTensorError, NetworkError, did_you_mean
from voxstack.networks import MASK, Network, TensorSpec
from voxstack.tensors import Array


@final
@frozen
class _Expected:
    """A tensor as it is declared, ready to be compared."""

    dtype: np.dtype[Any]
    shape: tuple[int | str, ...]
    sizes: tuple[tuple[int, int], ...]  # dimensions that are numbers: (axis, size)
    shared: tuple[tuple[int, str, int], ...] = ()  # that an input has too: (axis, input, its axis)

    @classmethod
    def of(cls, spec: TensorSpec, inputs: Mapping[str, TensorSpec] | None = None) -> _Expected:
        shared: dict[int, tuple[int, str, int]] = {}
        for name, given in (inputs or {}).items():
            for axis, dimension in enumerate(spec.shape):
                if isinstance(dimension, str) and dimension in given.shape:
                    shared.setdefault(axis, (axis, name, given.shape.index(dimension)))
        sizes = tuple((axis, d) for axis, d in enumerate(spec.shape) if isinstance(d, int))
        return cls(np.dtype(spec.dtype), spec.shape, sizes, tuple(shared.values()))

    def fits(self, shape: Sequence[int], inputs: Mapping[str, Array] | None = None) -> bool:
        """Return whether a shape is as declared; in a step, constants are not among ``inputs``."""
        if len(shape) != len(self.shape):
            return False
        for axis, size in self.sizes:
            if shape[axis] != size:
                return False
        for axis, name, of in self.shared:
            if inputs is not None and name in inputs and shape[axis] != inputs[name].shape[of]:
                return False
        return True


@final
class Declared:
    """The inputs and outputs of a network, ready to be compared at each call."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._name = f"the network {network.qualified_name!r}"
        self._inputs = {name: _Expected.of(spec) for name, spec in network.inputs.items()}
        consumed = {name: network.inputs[name] for name in network.consumes}
        self._outputs = {n: _Expected.of(network.outputs[n], consumed) for n in network.produces}

    def taken(
        self, inputs: Mapping[str, Array], names: Iterable[str], whole: bool = True
    ) -> dict[str, Array]:
        """Return the inputs of these ``names``, cast where that loses nothing.

        ``whole``: with a full mask if none is given. NetworkError for an input that differs from
        its declaration, MissingTensorError for one that is missing.
        """
        checked: dict[str, Array] = {}
        for name in names:
            expected = self._inputs.get(name)
            if expected is None:
                hint = did_you_mean(name, self._inputs, f"it has: {', '.join(self._inputs)}")
                raise NetworkError(f"{self._name} has no input {name!r} ({hint})")
            if name not in inputs:
                if name == MASK and whole:
                    continue
                raise MissingTensorError(name, inputs, f"inputs of {self._name}")
            value = inputs[name]
            if type(value) is not np.ndarray or value.dtype != expected.dtype:
                value = self._cast(name, value, expected.dtype)
            if not expected.fits(np.shape(value)):
                shapes = f"{list(expected.shape)}, not {list(np.shape(value))}"
                raise NetworkError(f"{self._name} takes {name!r} as {shapes}")
            checked[name] = value
        if whole and MASK in self._inputs and MASK not in checked:
            checked[MASK] = self._full_mask(checked)
        return checked

    def _cast(self, name: str, value: Array, dtype: np.dtype[Any]) -> Array:
        if getattr(value, "dtype", None) == dtype:
            return value  # an executor's own handle
        array = np.asarray(value)
        if not np.can_cast(array.dtype, dtype, "same_kind"):
            raise NetworkError(f"{self._name} takes {name!r} as {dtype}, not {array.dtype}")
        cast = array.astype(dtype)
        if dtype.kind in "iu" and not np.array_equal(cast, array):
            raise NetworkError(f"{self._name} takes {name!r} as {dtype}, which does not hold it")
        return cast

    def _full_mask(self, inputs: Mapping[str, Array]) -> Array:
        """Return a mask of ones as long as the other inputs with the mask's time dimension."""
        mask = self._inputs[MASK]
        for name, value in inputs.items():
            if self._inputs[name].shape[-1:] == mask.shape[-1:]:
                shape = np.shape(value)
                return np.ones((shape[0], shape[-1]), dtype=mask.dtype)
        lacks = f"has a mask over {mask.shape[-1]!r} and no other input of that dimension"
        raise NetworkError(f"{self._name} {lacks}")

    def require_declared(self, outputs: Any, inputs: Mapping[str, Array], executor: str) -> None:
        """Refuse outputs that are missing, or of another dtype or shape than is declared.

        NetworkError names the ``executor`` that made them of ``inputs``.
        """
        if not isinstance(outputs, Mapping):
            what = f"returned {type(outputs).__name__}, expected voxstack.Tensors"
            raise self._unlike(executor, what)
        for name, expected in self._outputs.items():
            if name not in outputs:
                there = ", ".join(outputs) or "none"
                raise self._unlike(executor, f"returned no {name!r}; it returned: {there}")
            value = outputs[name]
            if type(value) is not np.ndarray:
                continue  # an executor's handle: what reads it looks at it
            found: Any = value.dtype, expected.dtype
            if value.dtype == expected.dtype:
                if expected.fits(value.shape, inputs):
                    continue
                found = list(value.shape), list(expected.shape)
            raise self._unlike(executor, f"returned {name!r} as {found[0]}, expected {found[1]}")

    def require_finite(self, outputs: Mapping[str, Array], executor: str) -> None:
        """Refuse outputs that hold NaN or infinity."""
        for name in self._outputs:
            value = outputs[name]
            if type(value) is not np.ndarray:
                continue
            # The sum of squares is finite if all are, and is quicker than a look at each.
            flat = value.reshape(-1)
            if not isfinite(np.vdot(flat, flat)) and not np.isfinite(value).all():
                frames = np.flatnonzero(~np.isfinite(value).reshape(-1, value.shape[-1]).all(0))
                what = f"returned numbers in {name!r} that are not finite, from index {frames[0]}"
                raise self._unlike(executor, f"{what} of {value.shape[-1]} along the last axis")

    def _unlike(self, executor: str, what: str) -> NetworkError:
        return NetworkError(
            f"{self._name} on {executor} {what}; try another executor, or check the addon"
        )
