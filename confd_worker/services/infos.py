"""Facts about this server."""

from confd_schemas.infos import infos

from ..core.dao import DAO
from ..core.singleton import SingletonService
from ..models import Infos as InfosRow

__all__ = ["Infos"]


class Infos(SingletonService):
    spec = infos
    dao = DAO(InfosRow, infos)
