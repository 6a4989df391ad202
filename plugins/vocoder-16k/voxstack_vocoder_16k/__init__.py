"""The source-filter vocoder: data only. The host locates this package and reads its files."""
