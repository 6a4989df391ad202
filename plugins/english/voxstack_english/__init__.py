"""The English frontend of voxstack: text to phones, no word dropped."""

from voxstack_english.frontend import English

__all__ = ["English"]
