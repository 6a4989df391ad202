"""The voice en-us: data only. The host locates this package and reads its files."""
