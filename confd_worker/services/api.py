"""The description of the REST API."""

from functools import lru_cache

import yaml
from confd_schemas.api import api
from confd_schemas.openapi import swagger
from confd_schemas.spec import discover

from .. import __version__
from ..core.rpc import read
from ..core.service import Service

__all__ = ["API"]


class API(Service):
    spec = api

    @read
    def get(self, prefix: str | None = None) -> str:
        """The Swagger 2.0 document as YAML.

        Args:
            prefix: path that a proxy puts before all others.
        """
        return _document(prefix)


@lru_cache(maxsize=8)
def _document(prefix: str | None) -> str:
    return yaml.safe_dump(swagger(discover(), version=__version__, prefix=prefix), sort_keys=False)
