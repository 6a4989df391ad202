"""What a voice does when it speaks: streams, chunks, programs and fixed shapes."""

from voxstack.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
