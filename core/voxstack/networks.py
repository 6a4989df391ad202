"""Networks: one exported neural network of an addon, described and not yet loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import attrs
from attrs import field, frozen

from voxstack.errors import AddonError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROLE = "voxstack.role"  # key of an option's metadata: the role whose network is the default
# The input that marks real positions (1) and padding (0); the host makes it. A mask of another
# dimension that one network makes for the next ("text_mask", over "text") is an ordinary tensor.
MASK = "mask"

DTYPES = ("float32", "float64", "float16", "int64", "int32", "int8", "uint8", "bool")


@final
@frozen
class TensorSpec:
    """A tensor as a network declares it."""

    dtype: str  # a numpy name, "float32"
    # A number is fixed, a name is a dimension: ["batch", 80, "frames"].
    shape: tuple[int | str, ...]

    def empty(self) -> NDArray[Any]:
        """Return an array of this dtype with batch 1 and no frames."""
        import numpy as np

        shape = [1 if d == "batch" else d if isinstance(d, int) else 0 for d in self.shape]
        return np.zeros(shape, dtype=self.dtype)

    def zeros(self) -> NDArray[np.generic]:
        """Return zeros of this shape; every named dimension except the batch must be fixed."""
        import numpy as np

        return np.zeros([1 if isinstance(d, str) else d for d in self.shape], dtype=self.dtype)


@final
@frozen
class Context:
    """Frames that a stateless network must see around those it computes, to be exact."""

    left: int = 0  # frames before
    right: int = 0  # frames after


@final
@frozen(eq=False)
class Network:
    """One exported neural network: its graph (the symbols) and its parameters.

    A network has ``context`` (it is called on windows: left + new + right) or ``state`` (it is
    stepped over consecutive frames), never both. With state, ``delay`` says by how many frames
    the outputs lag behind the inputs: output j of a step is that of frame j - delay.
    """

    name: str
    role: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    files: Mapping[str, str]  # format -> path in the addon, {"onnx": "networks/x.onnx"}
    context: Context | None = None
    state: Mapping[str, str] = field(factory=dict)  # state input -> output of its next value
    delay: int = 0
    frame_ratio: int = 1  # output frames for one input frame: 200 samples a frame
    # Sizes that a named dimension has in texts of the voice, each with its share.
    sizes: Mapping[str, Sequence[tuple[int, float]]] = field(factory=dict, kw_only=True)
    addon: str = ""
    place: str = ""  # the manifest that declares it, for messages
    dimensions: Mapping[str, int] = field(factory=dict)  # those fixed for a static executor
    read: Callable[[str], bytes] = field(default=None, repr=False)
    digest: Callable[[str], str] = field(default=None, repr=False)

    @cached_property
    def consumes(self) -> tuple[str, ...]:
        """Names of the tensors that others must produce: the inputs except mask and states."""
        return tuple(n for n in self.inputs if n != MASK and n not in self.state)

    @cached_property
    def produces(self) -> tuple[str, ...]:
        """Names of the tensors that others may read: the outputs except the next states."""
        states = set(self.state.values())
        return tuple(n for n in self.outputs if n not in states)

    @cached_property
    def initial_state(self) -> Mapping[str, NDArray[np.generic]]:
        """The states at the beginning of an utterance, zeros that all sessions share."""
        state = {name: self.inputs[name].zeros() for name in self.state}
        for zeros in state.values():
            zeros.setflags(write=False)
        return state

    def path(self, format: str) -> str:
        """Return the path of the file in ``format``; AddonError if there is none."""
        if format not in self.files:
            raise AddonError(
                f"the network {self.qualified_name!r} has no file in the format {format!r} "
                f"({did_you_mean(format, self.files, 'it has: ' + ', '.join(self.files))})"
            )
        return self.files[format]

    def fixed(self, dimensions: Mapping[str, int]) -> Network:
        """Return this network with named dimensions fixed, as a static executor loads it.

        A dimension that only outputs have counts ``frame_ratio`` per frame of the mask.
        """
        along = self.inputs[MASK].shape[-1] if MASK in self.inputs else None
        made = dimensions[along] * self.frame_ratio if along in dimensions else None  # type: ignore[index]

        def size(dimension: int | str) -> int | str:
            if isinstance(dimension, int):
                return dimension
            following = dimension if made is None else made
            return dimensions.get(dimension, following)

        def spec(declared: TensorSpec) -> TensorSpec:
            return TensorSpec(declared.dtype, tuple(map(size, declared.shape)))

        return attrs.evolve(
            self,
            inputs={name: spec(declared) for name, declared in self.inputs.items()},
            outputs={name: spec(declared) for name, declared in self.outputs.items()},
            dimensions=dict(dimensions),
        )

    @property
    def look_ahead(self) -> int:
        """Frames beyond the last wanted one that it must be fed."""
        return self.delay if self.state else self.context.right if self.context else 0

    @property
    def qualified_name(self) -> str:
        """The name by which every stack can refer to it."""
        return f"{self.addon}:{self.name}" if self.addon else self.name


def network(role: str) -> Any:
    """Declare a block's option that names a network, by default the one with this ``role``.

    The option's type says what arrives: ``Program`` ready to call, ``Network`` its description,
    ``tuple[Program, ...]`` all networks of the role.
    """
    return attrs.field(default=None, kw_only=True, metadata={ROLE: role})
