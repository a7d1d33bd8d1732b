"""Access to lines, and the rules that their associations share."""

from typing import Any

from confd_schemas.lines.lines import lines

from ...models.lines.line import Line
from ...plugin import DAO, Work, errors

__all__ = ["dao", "has_endpoint", "without_device", "without_secondary_users"]

# The caller ID of an endpoint follows the line's main user.
dao = DAO(Line, lines, locks=[Line.endpoint_sip, Line.endpoint_sccp])


class SecondaryUsers(errors.ResourceError):
    """The line still has users beside its main user."""

    type, text = "secondary-users", "There are secondary users associated to the line"


def has_endpoint(work: Work, *items: Any) -> None:
    """The line among the items has an endpoint."""
    line = _line(items)
    if line.protocol is None:
        raise errors.MissingAssociation("Line", "Endpoint", metadata={"line_id": line.id})


def without_device(work: Work, *items: Any) -> None:
    """The line among the items has no device."""
    line = _line(items)
    if line.device_id is not None:
        raise errors.Associated("Line", "Device", metadata={"line_id": line.id, "device_id": line.device_id})


def without_secondary_users(work: Work, *items: Any) -> None:
    """The line among the items has no secondary user other than the user among them."""
    line = _line(items)
    if any(not link.main_user and link.user not in items for link in line.user_lines):
        raise SecondaryUsers(metadata={"line_id": line.id})


def _line(items: tuple[Any, ...]) -> Line:
    return next(item for item in items if isinstance(item, Line))
