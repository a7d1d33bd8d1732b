"""Hostile input: nothing that anybody sends may stop a worker, hang, be an error that nobody foresaw, or show what is
another tenant's.

What is tried is generated from the specs, the schemas and the services that are installed, so that a new plugin is
covered once it is registered. The short form is the default; CONFD_TEST_HOSTILE is the number of examples of each
property in a longer one. All is the same in each run, unless `--hypothesis-seed` names another seed.
"""
