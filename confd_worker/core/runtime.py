"""What the services of one worker process share, wired in one place."""

import logging
from collections.abc import Iterable, Mapping

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from ..bus_names import BusNames
from ..config import Settings
from . import errors
from .auth import AuthServer
from .bus.connection import Bus
from .bus.dead_letters import DeadLetters
from .context import Context, Facts
from .database.engine import Database, unreachable
from .database.plain import check as check_sqlalchemy
from .delivery.dead_letter_limits import DeadLetterLimits
from .delivery.housekeeping import Housekeeping
from .delivery.outbox import Relay
from .delivery.standby import CHANNEL, Bell, Standby
from .delivery.sysconfd import Sysconfd
from .greenlets import sleep, spawn
from .work import Work

__all__ = ["RUNTIME", "Runtime"]

RUNTIME = "confd"
"""Key of the runtime in nameko's configuration."""

_log = logging.getLogger(__name__)
_AGAIN = 5
_SOON = 1


class Runtime:
    """The database, the bus and the background jobs of one process.

    Args:
        settings: of the worker.
        events: names of the events by the service that sends them.
    """

    def __init__(self, settings: Settings, events: Mapping[str, Iterable[str]]) -> None:
        check_sqlalchemy()
        self.settings = settings
        self.database = Database(settings.db_uri, settings.db_connections)
        self.bus = Bus(settings.amqp_uri, BusNames.of(settings))
        self.dead_letters = DeadLetters(self.database, self.bus)
        self.relay = Relay(settings.db_uri, settings.amqp_uri, settings.events_exchange, events, self.bus.names)
        limits = DeadLetterLimits(settings.dead_letters_kept, settings.dead_letters_bytes, settings.dead_letters_days)
        self.jobs: list[Standby] = [self.relay, Housekeeping(settings.db_uri, limits.housekeeping)]
        if settings.sysconfd_url:
            self.jobs.append(Sysconfd(settings.db_uri, settings.sysconfd_url, settings.sysconfd_merge_seconds))
        self._bell = Bell([job for job in self.jobs if job.rung], self._notify)
        self.facts = Facts(settings, self._origin(), self._bell.ring, settings.master_tenant_uuid or None)
        self.facts.refused = lambda: self.bus.refused

    def work(self, context: Context, service: str = "") -> Work:
        """A unit of work for one call of a service."""
        return Work(self.database, context, self.facts, service)

    def start(self) -> None:
        """Start the jobs and begin to consume."""
        if self.facts.master_tenant_uuid is None and self.settings.auth_mode == "wazo" and self.settings.auth_username:
            spawn(self._learn_master_tenant)
        self._bell.start()
        for job in self.jobs:
            job.start()
        self.dead_letters.start()
        self.bus.start()

    def stop(self) -> None:
        """Finish what is being done and close the connections; all services must have stopped."""
        self.bus.stop()
        for job in self.jobs:
            job.stop()
        self.database.close()

    def _origin(self) -> str:
        """The uuid of this server, as soon as the database tells it."""
        while True:
            try:
                with self.database.engine.connect() as connection:
                    return str(connection.scalar(text("SELECT uuid FROM infos")))
            except SQLAlchemyError as error:
                if not unreachable(error):
                    raise
                _log.warning("database_not_reached reason=%s", " ".join(str(error.__cause__ or error).split()))
                sleep(_SOON)

    def _learn_master_tenant(self) -> None:
        """Ask the authentication server until it tells the tenant of the worker's own account."""
        while self.facts.master_tenant_uuid is None:
            try:
                self.facts.master_tenant_uuid = AuthServer(self.settings).master_tenant_uuid
            except (errors.ServiceError, LookupError, TypeError) as error:
                _log.warning("master_tenant_unknown reason=%s", error)
                sleep(_AGAIN)

    def _notify(self) -> None:
        self.database.notify(CHANNEL)
