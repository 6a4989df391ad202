"""Measure a voice against its teacher: `voxstack evaluate`."""
