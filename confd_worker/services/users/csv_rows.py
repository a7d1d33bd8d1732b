"""The CSV of the import: its lines, and what the columns of a row mean."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...plugin import errors

__all__ = ["Row", "lines", "parsed"]

Row = Mapping[str, str | None]
_A_LINE = re.compile(r"[^\n]+")


def _text(column: str, text: str) -> str:
    return text


def _flag(column: str, text: str) -> bool:
    if text not in ("0", "1"):
        raise errors.InvalidChoice(column, "0, 1")
    return text == "1"


def _number(column: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise errors.WrongType(column, "integer")
    return int(text)


def _names(column: str, text: str) -> list[str]:
    return [name for name in text.split(";") if name]


Parser = Callable[[str, str], Any]

_RECORDINGS = {
    f"call_record_{direction}_enabled": _flag
    for direction in ("outgoing_external", "outgoing_internal", "incoming_external", "incoming_internal")
}
_USER: dict[str, Parser] = {
    **dict.fromkeys(
        (
            "firstname", "lastname", "email", "language", "outgoing_caller_id", "mobile_phone_number",
            "call_permission_password", "userfield",
        ),
        _text,
    ),
    **dict.fromkeys(
        ("enabled", "supervision_enabled", "call_transfer_enabled", "dtmf_hangup_enabled", *_RECORDINGS,
         "online_call_record_enabled"),
        _flag,
    ),
    **dict.fromkeys(("ring_seconds", "simultaneous_calls", "subscription_type"), _number),
}  # fmt: skip
_ACCOUNT: dict[str, Parser] = dict.fromkeys(("username", "password"), _text)
_LINE: dict[str, Parser] = dict.fromkeys(("context", "line_protocol", "sip_username", "sip_secret", "exten"), _text)
_VOICEMAIL: dict[str, Parser] = {
    **dict.fromkeys(("name", "number", "context", "password", "email"), _text),
    **dict.fromkeys(("attach_audio", "delete_messages", "ask_password"), _flag),
}
_INCALL: dict[str, Parser] = {"exten": _text, "context": _text, "ring_seconds": _number}


@dataclass(frozen=True)
class Parsed:
    """A row, taken apart; a column that the CSV does not have is not in the dicts, an empty value is None.

    Attributes:
        user, account, line, voicemail, incall: values by column, without the prefix that names the part.
        call_permissions: names.
    """

    user: dict[str, Any]
    account: dict[str, Any]
    line: dict[str, Any]
    voicemail: dict[str, Any]
    incall: dict[str, Any]
    call_permissions: list[str] = field(default_factory=list)


def parsed(row: Row) -> Parsed:
    """A row with its values converted.

    Raises:
        InvalidChoice, WrongType: a value is no flag or no number.
    """
    return Parsed(
        user=_part(row, _USER),
        account=_part(row, _ACCOUNT),
        line=_part(row, _LINE),
        voicemail=_part(row, _VOICEMAIL, "voicemail_"),
        incall=_part(row, _INCALL, "incall_"),
        call_permissions=_names("call_permissions", row.get("call_permissions") or ""),
    )


def lines(text: str) -> Iterator[dict[str, str | None]]:
    """The data rows of a CSV by the column names of its first line; blank lines are skipped.

    A quoted value ends with its line. Columns without a name do not count. A row that is not CSV has the one key "",
    with what is wrong.
    """
    every = (line for line in _lines(text.removeprefix("\ufeff")) if line.strip())
    names = [name.strip() for name in _values(next(every, ""))]
    for line in every:
        try:
            values = _values(line)
        except csv.Error as error:
            yield {"": str(error)}
            continue
        if any(values[len(names) :]):
            yield {"": f"has {len(values)} values for {len(names)} columns"}
        else:
            yield {name: value for name, value in zip(names, values, strict=False) if name}


def _lines(text: str) -> Iterator[str]:
    """The lines one by one, so that a text of millions of them takes no more memory than it has."""
    return (found[0].removesuffix("\r") for found in _A_LINE.finditer(text))


def _values(line: str) -> list[str]:
    return next(csv.reader([line], strict=True), [])


def _part(row: Row, columns: dict[str, Parser], prefix: str = "") -> dict[str, Any]:
    given = {}
    for name, parse in columns.items():
        column = prefix + name
        if column in row:
            text = row[column]
            given[name] = parse(column, text) if text else None
    return given
