"""Configuration to typed objects: documents with places, strictly, all problems at once."""

from voxstack.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
