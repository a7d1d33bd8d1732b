"""Faults happen one after the other while calls are made; after each, the books must balance.

`python -m integration_tests.faults --help` runs it by hand; `test_faults` is its short form. What it promises and how
it counts is told in docs/reliability.md.
"""
