"""The face for tooling: what tools need of the host beyond ``voxstack`` itself.

A conformance suite, a lock file or a trace looks at a host from outside: at what is installed, at
the data of an addon, at the parts of a built voice. The names that such tools need are exported
here. They are documented where they are defined, and change more often than the API of
``voxstack``. Nothing of the host imports this module.
"""

from voxstack.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
