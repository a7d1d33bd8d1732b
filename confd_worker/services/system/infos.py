"""Facts about this server."""

from confd_schemas.system.infos import infos

from ...models.system.tenant import Infos as InfosRow
from ...plugin import DAO, SingletonService

__all__ = ["Infos"]


class Infos(SingletonService):
    spec = infos
    dao = DAO(InfosRow, infos)
