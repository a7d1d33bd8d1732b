"""The description of the REST API."""

from functools import cache

import yaml
from confd_schemas.openapi import swagger
from confd_schemas.spec import discover
from confd_schemas.system.api import api

from ... import __version__
from ...plugin import Service, errors, read

__all__ = ["API"]

_BY_PREFIX = ("basePath", "schemes")


class API(Service):
    spec = api

    @read
    def get(self, prefix: str | None = None) -> str:
        """The Swagger 2.0 document as YAML.

        Args:
            prefix: path that a proxy puts before all others.

        Raises:
            WrongType: it is no text.
        """
        if not isinstance(prefix, str | None):
            raise errors.WrongType("prefix", "string")
        surroundings = swagger((), version=__version__, prefix=prefix)
        return yaml.safe_dump({name: surroundings[name] for name in _BY_PREFIX}, sort_keys=False) + _rest()


@cache
def _rest() -> str:
    """All that does not depend on the prefix; it takes about a second, which no caller may cause again and again."""
    document = swagger(discover(), version=__version__)
    return yaml.safe_dump({name: part for name, part in document.items() if name not in _BY_PREFIX}, sort_keys=False)
