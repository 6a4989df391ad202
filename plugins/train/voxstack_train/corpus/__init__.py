"""Corpora: texts with audio and timing, from a teacher or from recordings."""
