"""Opening data safely: the files of an addon, its manifest, and what is installed."""

from voxstack.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
