"""Stand-ins that several of the core's test modules use."""

import numpy as np
from attrs import frozen
from voxstack import (
    Description,
    Executor,
    Format,
    FormatError,
    Program,
    StreamableBlock,
    Tensors,
)
from voxstack.addons import make_addon, open_files, read_document


class NumpyFormat(Format):
    """Python expressions of numpy as a format."""

    name = "numpy"

    def describe(self, data):
        return Description()

    def check(self, data, declared):
        if not data.startswith(b"lambda"):
            raise FormatError("it is not a lambda expression")


class FunctionProgram(Program):
    """A function of numpy arrays as a program; remembers the lengths that it was called with."""

    def __init__(self, network, function):
        self.network, self.function, self.lengths = network, function, []
        self.closed = False

    def __call__(self, inputs):
        first = next(name for name in inputs if name not in self.network.state)
        self.lengths.append(int(np.shape(inputs[first])[-1]))
        return Tensors(self.function(**inputs))

    def close(self):
        self.closed = True


@frozen
class Numpy(Executor):
    """Runs networks whose file is a Python expression."""

    formats = ("numpy",)

    tag: str = ""

    def load(self, network):
        function = eval(network.read("numpy").decode(), {"np": np})
        return FunctionProgram(network, function)


@frozen
class Absent(Executor):
    """An executor whose device is not here."""

    formats = ("numpy",)

    def available(self):
        return "no device here"

    def load(self, network):
        raise AssertionError


@frozen
class Passing(StreamableBlock):
    """Passes every chunk on as it is."""

    def stream(self, sequence, upstream):
        yield from upstream


@frozen
class Speaks(Passing):
    """Stands for the block that turns the frames of a sentence into audio."""

    ends_sentence = True


def opened(where):
    """Open the addon in a folder or zip, or of its files; every format is NumpyFormat."""
    files = open_files(where) if not hasattr(where, "pieces") else where
    return make_addon(read_document(files), files, lambda name: NumpyFormat())
