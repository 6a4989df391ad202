"""voxstack: a minimal host for neural speech models.

The public API is what this module exports.
"""

from voxstack.lazy import attach

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = attach(__name__, __file__)
