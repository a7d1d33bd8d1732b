"""Logging of every process, for people or as JSON lines: structlog, and what libraries tell the standard library's.

configure("info", "json", process="worker")
structlog.get_logger(__name__).info("call done", method="users.get", seconds=0.004)
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor

__all__ = ["configure", "mask"]

SECRET = re.compile(r"(^|_|-)(password|passwd|token|secret|auth_section_options|authorization)s?$", re.IGNORECASE)
PASSWORD_IN_URI = re.compile(r"(\b[\w+.-]+://[^:/@\s]*):[^/\s]*@")
# What an error of the database says of values, up to what SQLAlchemy or Python say of the error behind it.
LABELS = ("DETAIL:", "CONTEXT:", "QUERY:", "LINE ")
VALUES = re.compile(r"\b(DETAIL|CONTEXT|QUERY|LINE \d+):.*?(?=\n\n(?:\[SQL: |The above |During )|\Z)", re.DOTALL)
PARAMETERS = re.compile(r"\[parameters: [^\n]*\]")
MASK = "***"
# At INFO these tell what only matters when one looks for a fault in them.
TALKATIVE = ("aiormq", "alembic", "amqp", "httpcore", "httpx", "kombu", "nameko", "urllib3")


def configure(level: str = "info", style: str = "console", **always: Any) -> None:
    """Send all log lines of this process to standard error.

    Args:
        level: debug, info, warning or error.
        style: `console` for people, `json` for one object a line.
        always: what each line carries, such as the name of the process.
    """

    def add_always(_: Any, __: str, event: EventDict) -> EventDict:
        return {**always, **event}

    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        add_always,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    after: list[Processor] = [structlog.processors.format_exc_info, mask, _renderer(style)]
    # Lines of our own take the straight way; through the standard library's handlers they would cost twice as much.
    structlog.configure(
        processors=[*before, *after],
        logger_factory=_Lines,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*before, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _drop_copy,
                *after,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.NOTSET if level == "debug" else logging.WARNING)


class _Lines:
    """Writes each line to standard error; a disk that is full keeps nobody from going on."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._stream = sys.stderr

    def _write(self, line: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = _write


def mask(_: Any, __: str, event: EventDict) -> MutableMapping[str, Any]:
    """A structlog processor that hides secrets: by their key, at any depth; in any text passwords in URIs, and what
    errors of the database say of the values of statements.
    """
    return {key: _masked(key, value) for key, value in event.items()}


def _masked(key: object, value: Any) -> Any:
    if isinstance(key, str) and SECRET.search(key) and value not in (None, ""):
        return MASK
    if isinstance(value, str):
        return _masked_text(value)
    if isinstance(value, Mapping):
        return {name: _masked(name, one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        if len(value) == 2 and isinstance(value[0], str):
            # An option of an endpoint is a list of its name and its value.
            return [value[0], _masked(value[0], value[1])]
        return [_masked(None, one) for one in value]
    return value


def _masked_text(text: str) -> str:
    if "://" in text:
        text = PASSWORD_IN_URI.sub(rf"\1:{MASK}@", text)
    if "[parameters: " in text:
        text = PARAMETERS.sub(f"[parameters: {MASK}]", text)
    if any(label in text for label in LABELS):
        text = VALUES.sub(rf"\1: {MASK}", text)
    return text


def _drop_copy(_: Any, __: str, event: EventDict) -> EventDict:
    """Without the second, coloured text of the same line that uvicorn adds."""
    event.pop("color_message", None)
    return event


def _renderer(style: str) -> Processor:
    if style == "json":
        return structlog.processors.JSONRenderer(serializer=_json)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)


def _json(event: Any, **_: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
