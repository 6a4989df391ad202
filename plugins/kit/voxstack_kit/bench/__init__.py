"""Benchmarks that ship with the product: ratios, measured in one run, alternatives interleaved."""
