"""What every plugin must honour, as tests that `pytest --confd-conformance` runs over those that are installed.

`plugin` brings the options, `fixtures` the servers and the system, `items` makes items by the plugins' examples; the
tests are beside them. `docs/plugins.md` tells how to use it.
"""
