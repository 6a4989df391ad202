"""voxstack against other hosts on the same weights: what ``peers.py`` is made of."""
