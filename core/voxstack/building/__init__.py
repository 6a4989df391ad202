"""Configuration to running blocks: components, placement, wiring and deployment."""

from voxstack.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
