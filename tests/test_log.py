"""Log lines: what statements say, and secrets, are in none of them."""

import logging
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
import structlog
from sqlalchemy import exc

from confd_worker import log
from confd_worker.embedded import Postgres


@pytest.fixture(scope="module")
def cursor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A cursor of a database with a table of accounts."""
    server = Postgres(tmp_path_factory.mktemp("state"))
    server.start()
    connection = psycopg2.connect(server.uri)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE accounts (name text UNIQUE CHECK (name <> ''), password text)")
    cursor.execute("INSERT INTO accounts VALUES ('sesame', 'sesame')")
    yield cursor
    connection.close()
    server.stop()


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Logging as it was, after each test."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    structlog.reset_defaults()


@pytest.mark.parametrize("style", ["console", "json"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO accounts VALUES ('sesame', 'x')",
        "INSERT INTO accounts VALUES ('', E'open\n\nsesame')",
        "INSERT INTO accounts VALUES ('x', 'sesame', 3)",
        "DO $$ BEGIN INSERT INTO accounts VALUES ('', 'sesame'); END $$",
    ],
)
def test_what_a_statement_says_is_in_no_line(
    statement: str, style: str, cursor: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    log.configure("info", style)
    with pytest.raises(psycopg2.Error) as failure:
        cursor.execute(statement)
    wrapped = exc.DBAPIError(statement.replace("sesame", "%(x)s"), {"x": "sesame"}, failure.value)
    for error in (failure.value, wrapped):
        logging.getLogger("x").error("call_failed", exc_info=error)
        logging.getLogger("x").warning("interrupted reason=%s", " ".join(str(error).split()))
        structlog.get_logger("x").error("call_failed", exc_info=error, reason=str(error))
    told = capsys.readouterr().err
    assert told.count("call_failed") == 4
    assert "psycopg2.errors" in told
    assert "accounts" in told
    assert "sesame" not in told
