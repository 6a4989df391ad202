"""The command line; this is its face for the commands and options of plugins.

Names are imported when they are first used: a command that lists stays light, and ``say`` is quick
from cold. The library never imports this package.

A command is an entry point in the group ``voxstack.commands``: ``train`` is a command of
``voxstack``, ``addon.pack`` is ``voxstack addon pack``. ``stack.check.SUFFIX`` takes over
``voxstack stack check`` for files of that suffix, with the same parameters.

An option is an entry point in the group ``voxstack.options``: ``say.locked`` is a
``click.Option`` for ``voxstack say --locked``. Its value stands in the parameters of the command's
context, and its callback may put into the context's ``meta``

- ``OPEN``, "voxstack.open": how ``say`` opens its voice, a function without arguments that returns
  a context manager of a built ``Voice``; it is called when all parameters are known;
- ``ROWS``, "voxstack.rows": what changes the rows of ``plugins``, a function ``(registry,
  registrations, rows, columns) -> (rows, columns)``.
"""

from voxstack.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
