"""The parts of ``peers.py``, which compares voxstack with other hosts on the same weights."""
