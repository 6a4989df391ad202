"""Stand-ins that several of the core's test modules use."""

from voxstack import Description, Format, FormatError
from voxstack.addons import make_addon, open_files, read_document


class NumpyFormat(Format):
    """Python expressions of numpy as a format."""

    name = "numpy"

    def describe(self, data):
        return Description()

    def check(self, data, declared):
        if not data.startswith(b"lambda"):
            raise FormatError("it is not a lambda expression")


def opened(where):
    """Open the addon in a folder or zip, or of its files; every format is NumpyFormat."""
    files = open_files(where) if not hasattr(where, "pieces") else where
    return make_addon(read_document(files), files, lambda name: NumpyFormat())
