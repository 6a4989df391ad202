"""Recipes: the description of an addon in TOML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, final

from attrs import field, frozen
from voxstack import AudioFormat, ConfigError
from voxstack.inspection import Control, Document, read_toml, structured

NAME = re.compile(r"[\w-]+(\.[\w-]+)*")  # also valid as a file name
NAME_RULE = "letters, digits, '_', '-' and inner dots"
Format = Literal["onnx", "pt2"]
Form = Literal["whole", "windows", "delayed", "stepped"]


@final
@frozen
class TensorRecipe:
    """The options of an input or an output."""

    time: str | None = None  # the name of its last dimension; "": it has no time dimension
    called: str = ""  # its name in the ONNX file, if different


Tensors = dict[str, str | TensorRecipe]  # a name alone is the time


@final
@frozen
class NetworkRecipe:
    """The options of a network: a PyTorch module or an ONNX file."""

    role: str  # "encoder", "decoder", "vocoder", or what your own block asks for
    # "package.module:factory" or "./file.py:factory", which returns (module, example) or
    # (module, example, whole): see the README.
    module: str | None = None
    onnx: str | None = None  # a file
    # How it runs; default: "whole" for encoders, "stepped" with states, else "delayed" if the
    # conversion succeeds, else "windows".
    form: Form | None = None
    time: str = ""  # the dimension it runs along; default: "text" for encoders, else "frames"
    inputs: Tensors = field(factory=dict)  # only those that differ from the defaults
    outputs: tuple[str, ...] | Tensors = ()  # of a module: all, in order
    state: dict[str, str] = field(factory=dict)  # state input -> output of its next value
    frame_ratio: int | None = None  # output frames per input frame; checked if given, else measured
    delay: int | None = None  # in frames, of a stepped network whose factory gives no whole form
    examples: str | None = None  # of an ONNX file: "file.npz", or "module:function"

    def __attrs_post_init__(self) -> None:
        if (self.module is None) == (self.onnx is None):
            raise ValueError("expected either 'module' (PyTorch) or 'onnx' (a file)")
        if self.module and not self.outputs:
            raise ValueError('expected the module\'s outputs in order: outputs = ["mel"]')
        if self.module and self.examples:
            raise ValueError("'examples' is for ONNX files; a module's factory returns its own")
        if self.delay is not None and (self.delay < 0 or self.form not in (None, "stepped")):
            raise ValueError(
                "'delay' (0 or more) is for stepped networks; otherwise it is measured"
            )
        if self.frame_ratio is not None and self.frame_ratio < 1:
            raise ValueError(f"frame_ratio must be 1 or more, not {self.frame_ratio}")

    @property
    def along(self) -> str:
        """The dimension along which the network runs."""
        return self.time or ("text" if self.role == "encoder" else "frames")

    def tensors(self, kind: Literal["inputs", "outputs"]) -> dict[str, TensorRecipe]:
        """Return the options of the inputs or the outputs."""
        given = getattr(self, kind)
        if isinstance(given, tuple):
            return {name: TensorRecipe() for name in given}
        return {n: TensorRecipe(t) if isinstance(t, str) else t for n, t in given.items()}


@final
@frozen
class PackRecipe:
    """The options of an addon: its manifest and its networks."""

    name: str
    version: str
    language: str  # BCP 47, "en-US"
    license: str
    audio: AudioFormat
    networks: dict[str, NetworkRecipe]
    description: str = ""
    author: str = ""  # a person or an organization
    homepage: str = ""  # "https://..."
    datasets: tuple[str, ...] = ()  # the training data
    formats: tuple[Format, ...] = ("onnx",)  # every network is written in each
    frontend: dict[str, Any] | None = None
    stack: list[Any] | str | None = None  # blocks, or the path of a JSON file
    symbols: str | None = None  # the path of a JSON file {table: {symbol: id}}
    controls: dict[str, Control] = field(factory=dict)
    card: str | None = None  # the path of a text about the voice
    files: tuple[str, ...] = ()  # other files to include, such as a license
    sample: str = ""  # a short sentence, spoken to warm up
    # Sizes of named dimensions with their shares, or a file of sentences, one per line, to count.
    sizes: dict[str, list[tuple[int, float]]] = field(factory=dict)
    texts: str | None = None

    def __attrs_post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"the name {self.name!r}: expected {NAME_RULE}")
        if not self.networks:
            raise ValueError("there are no networks; add [networks.NAME]")
        for name in self.networks:
            if not NAME.fullmatch(name):
                raise ValueError(f"network {name!r}: expected {NAME_RULE}")
        if self.sizes and self.texts:
            raise ValueError("expected 'sizes' or 'texts', not both")
        if self.texts and self.frontend is None:
            raise ValueError("'texts' requires a 'frontend' to count their symbols")
        if "onnx" not in self.formats:
            raise ValueError("'formats' must include 'onnx': the ONNX graph is what is measured")


@final
@frozen
class ReadRecipe:
    """A recipe, and the file that it was read from."""

    recipe: PackRecipe
    document: Document

    @property
    def folder(self) -> Path:
        """The folder from which its relative paths start."""
        return Path(str(self.document.name)).resolve().parent

    def given(self, *names: str) -> Mapping[str, Any]:
        """Return those of these fields that the recipe sets, unconverted."""
        return {name: self.document.value[name] for name in names if name in self.document.value}

    def refuse(self, pointer: str, message: str, suggestion: str | None = None) -> ConfigError:
        """Return an error for a place in the recipe."""
        return ConfigError([self.document.problem(pointer, message, suggestion)])

    def read(self, pointer: str, path: str) -> bytes:
        """Read a file that the recipe names."""
        try:
            return (self.folder / path).read_bytes()
        except OSError as error:
            raise self.refuse(pointer, f"cannot read {path}: {error.strerror or error}") from None


def read_recipe(path: Path) -> ReadRecipe:
    """Read a recipe; ConfigError with all of its problems, each with a JSON pointer."""
    document = read_toml(path)
    return ReadRecipe(structured(document, PackRecipe), document)
