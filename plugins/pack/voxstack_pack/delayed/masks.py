"""Derive the mask at any delay, rate, axis order and type from one state."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import onnx

from voxstack_pack.delayed.emitter import END, Emitter
from voxstack_pack.delayed.layouts import Layout


class Masks:
    """Views of the mask `[B, T]`; the lateness of a view is in samples of its rate."""

    def __init__(self, emitter: Emitter, name: str, needs: Iterable[tuple[Layout, int]]) -> None:
        self.emitter, self.name = emitter, name
        self.length = max((-(-late // layout.rate) for layout, late in needs), default=0)
        self.made: dict[object, str] = {}

    def view(self, layout: Layout, late: int, dtype: int = onnx.TensorProto.FLOAT) -> str:
        """Return the mask `late` samples late, of size 1 except for `layout`'s batch and time."""
        rank, axis = len(layout.shape), layout.axis
        key = (rank, axis, layout.rate, dtype)
        whole = self._once(key, lambda: self._whole(*key))
        first = self.length * layout.rate - late
        if first == late == 0:
            return whole
        end = -late if late else END
        name = f"{whole}_late_{late}"
        return self._once(
            (*key, late), lambda: self.emitter.slice(whole, first, end, axis, name)
        )  # fmt: skip

    def _once(self, key: object, make: Callable[[], str]) -> str:
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]

    def _whole(self, rank: int, axis: int, rate: int, dtype: int) -> str:
        """Return the mask with all of its history."""
        emitter = self.emitter
        if dtype != onnx.TensorProto.FLOAT:
            plain = self._once(
                (rank, axis, rate, onnx.TensorProto.FLOAT),
                lambda: self._whole(rank, axis, rate, onnx.TensorProto.FLOAT),
            )
            return emitter.add("Cast", (plain,), f"{plain}_{dtype}", to=dtype)
        base = self._once("base", self._base)
        name = f"masks_{rank}_{axis}_{rate}"
        if rate > 1:
            column = emitter.add("Unsqueeze", (base, emitter.integers([2])), f"{name}_column")
            spread = emitter.add(
                "Expand", (column, emitter.integers([1, 1, rate])), f"{name}_spread"
            )
            shape = [0 if i == 0 else -1 if i == axis else 1 for i in range(rank)]
            return emitter.add("Reshape", (spread, emitter.integers(shape)), name)
        if rank == 2:
            return base
        axes = [i for i in range(1, rank) if i != axis]
        return emitter.add("Unsqueeze", (base, emitter.integers(axes)), name)

    def _base(self) -> str:
        if not self.length:
            return self.name
        return self.emitter.history(
            "mask", self.name, (0, 0), onnx.TensorProto.FLOAT, 1, self.length
        )
