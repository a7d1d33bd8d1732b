"""Benchmarks: how fast the worker and the gateway are beside the parts that they stand on. Run `python -m bench`."""
