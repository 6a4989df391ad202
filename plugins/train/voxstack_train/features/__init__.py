"""From audio and alignments to what the networks learn from."""
