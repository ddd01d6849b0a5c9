"""Benchmarks: what the product costs, measured through its own front door."""
