"""Compute from audio and alignments what the networks learn from."""
