"""``python -m voxstack``."""

from voxstack.cli import main

main()
