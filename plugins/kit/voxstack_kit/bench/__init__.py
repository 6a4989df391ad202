"""Benchmarks: ratios measured in one run, alternatives interleaved."""
