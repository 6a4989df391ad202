"""The mel-only vocoder: data only. The host locates this package and reads its files."""
