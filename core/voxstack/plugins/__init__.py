"""Who provides a name: discovery, filters, registrations and the registry."""

from voxstack.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
