"""Trying out plugins in child processes, and how a distribution is installed again."""
