"""Benchmarks: each compares with the limit in one run and prints one JSON line."""
