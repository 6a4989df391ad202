"""Recipes: what an addon is made of, in TOML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, final

from attrs import field, frozen
from voxstack import AudioFormat, ConfigError
from voxstack.documents import Document, read_toml
from voxstack.manifest import Control
from voxstack.structure import Structurer, structure

NAME = re.compile(r"[\w-]+(\.[\w-]+)*")  # of a file too
Format = Literal["onnx", "pt2"]
Form = Literal["whole", "windows", "delayed", "stepped"]


@final
@frozen
class TensorRecipe:
    """An input or an output of a network."""

    time: str | None = None  # the name of its last dimension; "": it has no time
    called: str = ""  # its name in the ONNX file, where that is another


Tensors = dict[str, str | TensorRecipe]  # a name alone is the time


@final
@frozen
class NetworkRecipe:
    """One network: from a PyTorch module or an ONNX file."""

    role: str  # "encoder", "decoder", "vocoder", or what a block of yours asks for
    # "package.module:factory" or "./file.py:factory", which gives (module, example) or
    # (module, example, whole): see the README.
    module: str | None = None
    onnx: str | None = None  # a file
    # How it is run; default: "whole" for encoders, "stepped" with states, else "delayed" where
    # that can be made of it, else "windows".
    form: Form | None = None
    time: str = ""  # the dimension that it runs along; default: "text" for encoders, else "frames"
    inputs: Tensors = field(factory=dict)  # those that are not as the defaults have it
    outputs: tuple[str, ...] | Tensors = ()  # of a module: all, in order
    state: dict[str, str] = field(factory=dict)  # state input -> output of its next value
    frame_ratio: int | None = None  # output frames for one of the input: checked, or measured
    delay: int | None = None  # of a stepped network whose factory gives no whole form, in frames
    examples: str | None = None  # of an ONNX file: "file.npz", or "module:function"

    def __attrs_post_init__(self) -> None:
        if (self.module is None) == (self.onnx is None):
            raise ValueError("give either 'module' (PyTorch) or 'onnx' (a file)")
        if self.module and not self.outputs:
            raise ValueError('name the module\'s outputs, in order: outputs = ["mel"]')
        if self.module and self.examples:
            raise ValueError("'examples' is for ONNX files; a module's factory gives its own")
        if self.delay is not None and (self.delay < 0 or self.form not in (None, "stepped")):
            raise ValueError("'delay' is for stepped networks, 0 frames or more; else measured")
        if self.frame_ratio is not None and self.frame_ratio < 1:
            raise ValueError(f"frame_ratio must be 1 or more, not {self.frame_ratio}")

    @property
    def along(self) -> str:
        """The dimension that it runs along."""
        return self.time or ("text" if self.role == "encoder" else "frames")

    def tensors(self, kind: Literal["inputs", "outputs"]) -> dict[str, TensorRecipe]:
        """Give what is said of the inputs or the outputs."""
        given = getattr(self, kind)
        if isinstance(given, tuple):
            return {name: TensorRecipe() for name in given}
        return {n: TensorRecipe(t) if isinstance(t, str) else t for n, t in given.items()}


@final
@frozen
class PackRecipe:
    """An addon: what its manifest says, and where its networks come from."""

    name: str
    version: str
    language: str  # BCP 47, "en-US"
    license: str
    audio: AudioFormat
    networks: dict[str, NetworkRecipe]
    description: str = ""
    author: str = ""  # the person or organisation that makes it
    homepage: str = ""  # where it comes from, "https://..."
    datasets: tuple[str, ...] = ()  # what it was trained on
    formats: tuple[Format, ...] = ("onnx",)  # every network is written in each
    frontend: dict[str, Any] | None = None
    stack: list[Any] | str | None = None  # blocks, or a JSON file of them
    symbols: str | None = None  # a JSON file {table: {symbol: id}}
    controls: dict[str, Control] = field(factory=dict)
    card: str | None = None  # a file about the voice
    files: tuple[str, ...] = ()  # others to take along: a licence
    sample: str = ""  # a short sentence, spoken to warm up
    # Sizes of named dimensions with their shares, or texts (a sentence a line) to count them in.
    sizes: dict[str, list[tuple[int, float]]] = field(factory=dict)
    texts: str | None = None

    def __attrs_post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"the name {self.name!r}: letters, digits, '_', '-' and inner dots")
        if not self.networks:
            raise ValueError("there are no networks: add [networks.NAME]")
        for name in self.networks:
            if not NAME.fullmatch(name):
                raise ValueError(f"network {name!r}: letters, digits, '_', '-' and inner dots")
        if self.sizes and self.texts:
            raise ValueError("give 'sizes' or 'texts', not both")
        if self.texts and self.frontend is None:
            raise ValueError("'texts' are counted by the frontend, and there is none")
        if "onnx" not in self.formats:
            raise ValueError("'formats' must name 'onnx': what is measured is the ONNX graph")


@final
@frozen
class ReadRecipe:
    """A recipe, and the file that it came from."""

    recipe: PackRecipe
    document: Document

    @property
    def folder(self) -> Path:
        """Where its relative paths begin."""
        return Path(str(self.document.name)).resolve().parent

    def given(self, *names: str) -> Mapping[str, Any]:
        """Give what the recipe says of these fields, as it stands there."""
        return {name: self.document.value[name] for name in names if name in self.document.value}

    def refuse(self, pointer: str, message: str, suggestion: str | None = None) -> ConfigError:
        """Make the error of a place in the recipe."""
        return ConfigError([self.document.problem(pointer, message, suggestion)])

    def read(self, pointer: str, path: str) -> bytes:
        """Read a file that the recipe names."""
        try:
            return (self.folder / path).read_bytes()
        except OSError as error:
            raise self.refuse(pointer, f"cannot read {path}: {error.strerror or error}") from None


def read_recipe(path: Path) -> ReadRecipe:
    """Read a recipe; ConfigError with all that is wrong in it, each with its JSON pointer."""
    document = read_toml(path)
    return ReadRecipe(structure(Structurer(), document, "", PackRecipe), document)
