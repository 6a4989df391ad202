"""Tools for authors and operators of voxstack packages, which a running voice does not need.

Suites for tests are in ``voxstack_kit.testing``; the rest is used through the command line. Of the
host this package imports ``voxstack``, ``voxstack.inspection`` and ``voxstack.cli`` only.
"""
