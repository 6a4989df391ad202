"""Checking addons without loading them: what they contain, and where they come from."""
