"""Users as members of something that calls several of them."""

from typing import Any

from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from ..base import associated, looked_up
from ..users.user import User

__all__ = ["UserMember"]


class UserMember:
    """A mixin for tables whose rows make users members; who his main line is taken from leaves.

    The table needs a line in the function `confd_main_line_deleted`.
    """

    user_id: Mapped[int] = mapped_column(associated("users.id"), primary_key=True, index=True)
    priority: Mapped[int] = mapped_column(default=0, server_default="0")

    @hybrid_property
    def uuid(cls) -> Any:
        """Uuid of the user."""
        return _of_user(cls, User.uuid)

    @hybrid_property
    def firstname(cls) -> Any:
        """First name of the user."""
        return _of_user(cls, User.firstname)

    @hybrid_property
    def lastname(cls) -> Any:
        """Last name of the user."""
        return _of_user(cls, User.lastname)


def _of_user(member: Any, value: Any) -> Any:
    return looked_up(value, User.id, member.user_id)
