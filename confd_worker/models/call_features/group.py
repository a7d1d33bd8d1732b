"""Groups: users and numbers that are called together."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import String, false, select, true
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..base import Base, TenantOwned, associated, extend_model, integer_id, part_of
from ..dialplan.call_permission import permitted
from ..dialplan.destination import Target, register
from ..dialplan.extension import Extension
from ..dialplan.fallback import falls_back
from ..dialplan.incall import incalls_to
from ..dialplan.schedule import scheduled
from ..users.user import User
from .member import UserMember

__all__ = ["Group", "GroupExtensionMember", "GroupUserMember"]


class GroupUserMember(UserMember, Base):
    """A user whose main line a group calls."""

    __tablename__ = "group_user_members"

    group_id: Mapped[int] = mapped_column(part_of("groups.id"), primary_key=True)


class GroupExtensionMember(Base):
    """A number that a group calls; it need not be one of ours."""

    __tablename__ = "group_extension_members"

    group_id: Mapped[int] = mapped_column(part_of("groups.id"), primary_key=True)
    exten: Mapped[str] = mapped_column(primary_key=True)
    context: Mapped[str] = mapped_column(primary_key=True)
    priority: Mapped[int]


class Group(TenantOwned, Base):
    """A group; its name, which never changes, is that of its queue in Asterisk."""

    __tablename__ = "groups"

    id: Mapped[integer_id]
    uuid: Mapped[UUID] = mapped_column(unique=True, default=uuid4)
    name: Mapped[str] = mapped_column(String(128), unique=True)
    label: Mapped[str] = mapped_column(String(128))
    preprocess_subroutine: Mapped[str | None] = mapped_column(String(79))
    ring_strategy: Mapped[str] = mapped_column(default="all", server_default="all")
    caller_id_mode: Mapped[str | None]
    caller_id_name: Mapped[str | None] = mapped_column(String(80))
    dtmf_record_toggle: Mapped[bool] = mapped_column(default=False, server_default=false())
    timeout: Mapped[int | None]
    user_timeout: Mapped[int | None]
    retry_delay: Mapped[int | None]
    music_on_hold: Mapped[str | None] = mapped_column(String(128))
    ring_in_use: Mapped[bool] = mapped_column(default=True, server_default=true())
    mark_answered_elsewhere: Mapped[bool] = mapped_column(default=False, server_default=false())
    enabled: Mapped[bool] = mapped_column(default=True, server_default=true())
    ignore_forward: Mapped[bool] = mapped_column(default=False, server_default=false())
    max_calls: Mapped[int | None]

    extensions: Mapped[list[Extension]] = relationship(order_by=Extension.id, back_populates="group")
    user_members: Mapped[list[GroupUserMember]] = relationship(
        order_by=[GroupUserMember.priority, GroupUserMember.user_id],
        cascade="all, delete-orphan",
        passive_deletes=True,
    )
    extension_members: Mapped[list[GroupExtensionMember]] = relationship(
        order_by=[GroupExtensionMember.priority, GroupExtensionMember.exten, GroupExtensionMember.context],
        cascade="all, delete-orphan",
        passive_deletes=True,
    )

    @hybrid_property
    def exten(cls) -> Any:
        """Exten of the extension."""
        of_group = Extension.group_id == cls.id  # type: ignore[attr-defined]
        return select(Extension.exten).where(of_group).scalar_subquery()


extend_model(
    Extension,
    group_id=mapped_column(associated("groups.id", "SET NULL"), unique=True),
    group=relationship(Group, back_populates="extensions"),
)
extend_model(
    User,
    groups=relationship(Group, secondary=GroupUserMember.__table__, order_by=Group.id, viewonly=True),
    group_members=relationship(
        GroupUserMember, order_by=GroupUserMember.group_id, cascade="all, delete-orphan", passive_deletes=True
    ),
)
extend_model(Group, incalls=incalls_to(Group, "group", Group.id))
scheduled("group", Group)
permitted("group", Group)
falls_back("group", Group, "noanswer_destination", "congestion_destination")
register(Target("group_id", Group.id, {"group_name": Group.name, "group_label": Group.label}))
