"""Benchmarks: what the library costs, as ratios against named peers in one run."""
