"""What every plugin stands on; it knows no plugin.

Rooms, from the top floor down: `files`, `plugin`, `entrypoints`, `query`; the modules `runtime`, `work` and `once`;
`bus`, `database`, `delivery`; the modules `auth`, `context`, `errors` and `greenlets`. An import goes down or stays
level.
"""
