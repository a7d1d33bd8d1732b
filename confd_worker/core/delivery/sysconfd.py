"""Tells the system daemon what changed: reloads of asterisk, merged over a short while, and other requests.

What is to be sent are rows of a table, written with the change (see `work`).
"""

import logging
import time
from typing import Any, ClassVar

import requests

from ..greenlets import sleep
from .health import SYSCONFD
from .standby import Standby

__all__ = ["Sysconfd"]

_log = logging.getLogger(__name__)
_BATCH = 1000
_TIMEOUT = (5, 60)
_ATTEMPTS = 20
_WINDOWS = 10
_LONGEST = 60.0
_FETCH = "SELECT id, command, method, path, parameters, attempts FROM sysconfd_requests ORDER BY id LIMIT %s"
_REMOVE = "DELETE FROM sysconfd_requests WHERE id = ANY(%s)"
_COUNT = "UPDATE sysconfd_requests SET attempts = attempts + 1 WHERE id = %s"


class Sysconfd(Standby):
    """Sends what is due: first all reloads as one request, then the other requests in their order.

    A request that fails is sent again, later each time; a reload until it succeeds, another request at most twenty
    times when the daemon answers with an error, so that one it never accepts does not hold up the rest.

    Args:
        db_uri: of the database.
        url: of the system daemon.
        merge_seconds: how long it must be quiet before what was gathered is sent.
    """

    lock: ClassVar[int] = SYSCONFD
    name = "sysconfd"

    def __init__(self, db_uri: str, url: str, merge_seconds: float) -> None:
        super().__init__(db_uri)
        self._url = url.rstrip("/")
        self._merge_seconds = merge_seconds
        self._http = requests.Session()
        self._failures = 0

    def step(self, connection: Any) -> bool:
        """Send what is due and remove what was taken."""
        with connection.cursor() as cursor:
            cursor.execute(_FETCH, (1,))
            if not cursor.fetchall():
                return False
            rows = self._gathered(cursor)
            try:
                self._reload(cursor, [row for row in rows if row[1] is not None])
                for row in rows:
                    if row[1] is None:
                        self._request(cursor, row)
            except requests.RequestException as error:
                self._back_off(error)
            else:
                self._failures = 0
        return True

    def _gathered(self, cursor: Any) -> list[tuple[Any, ...]]:
        """What is due once no more comes for a while, as during an import; at the latest after ten such whiles."""
        rows: list[tuple[Any, ...]] = []
        for _ in range(_WINDOWS):
            have = len(rows)
            sleep(self._merge_seconds)
            cursor.execute(_FETCH, (_BATCH,))
            rows = cursor.fetchall()
            if len(rows) == have or len(rows) == _BATCH or self._stopping:
                break
        return rows

    def _reload(self, cursor: Any, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            commands = list(dict.fromkeys(row[1] for row in rows))
            self._send("POST", "/exec_request_handlers", json={"ipbx": commands})
            cursor.execute(_REMOVE, ([row[0] for row in rows],))

    def _request(self, cursor: Any, row: tuple[Any, ...]) -> None:
        identity, _, method, path, parameters, attempts = row
        try:
            self._send(method, path, **{"json" if method == "POST" else "params": parameters})
        except requests.HTTPError as error:
            if attempts + 1 < _ATTEMPTS:
                cursor.execute(_COUNT, (identity,))
                raise
            _log.error("sysconfd_request_given_up method=%s path=%s reason=%s", method, path, error)
        cursor.execute(_REMOVE, ([identity],))

    def _send(self, method: str, path: str, **content: Any) -> None:
        response = self._http.request(method, self._url + path, timeout=_TIMEOUT, **content)
        if response.status_code != requests.codes.ok:
            raise requests.HTTPError(f"status {response.status_code}", response=response)

    def _back_off(self, error: Exception) -> None:
        self._failures += 1
        pause = min(2.0**self._failures / 2, _LONGEST)
        _log.warning("sysconfd_not_reached attempt=%s next_in=%ss reason=%s", self._failures, pause, error)
        until = time.monotonic() + pause
        while time.monotonic() < until and not self._stopping:
            sleep(0.2)
