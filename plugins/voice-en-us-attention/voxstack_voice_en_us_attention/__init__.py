"""The voice en-us-attention: data only. The host locates this package and reads its files."""
