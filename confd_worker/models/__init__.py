"""SQLAlchemy tables, in the rooms of the services; importing this package imports every module in it.

So all tables are in `Base.metadata`, and relationships find the models that they name.
"""

from importlib import import_module
from pkgutil import walk_packages

for _module in walk_packages(__path__, f"{__name__}."):
    import_module(_module.name)
