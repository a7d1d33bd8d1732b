"""Contexts: parts of the dialplan with their ranges of numbers, and the contexts that they include."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import orjson
from confd_schemas.dialplan.contexts import RANGES, context_contexts, context_ranges, contexts

from ...models.dialplan.context import Context
from ...models.system.tenant import Tenant
from ...plugin import (
    DAO,
    PLACE,
    EachSameTenant,
    EventType,
    Example,
    Free,
    Members,
    MembersService,
    Notifier,
    Once,
    ResourceService,
    Service,
    Validator,
    Work,
    before,
    changed,
    errors,
    read,
)
from .context_ranges import free_ranges

__all__ = [
    "ContextContexts",
    "ContextRanges",
    "Contexts",
    "InContextService",
    "context_known",
    "context_named",
    "tenant_stays",
]

dao = DAO(Context, contexts)


def context_named(work: Work, name: str) -> Any:
    """The context of that name, of whatever tenant, or None; asked for once in a transaction."""
    return work.remembered(("context", name), lambda: dao.find(work, all_tenants=True, name=name))


class InContextService(ResourceService):
    """A resource whose items have the tenant of their context."""

    def place(self, item: Any) -> None:
        """Left to `prepare`, which places an item whose context changes, too."""

    def prepare(self, item: Any, fields: dict[str, Any]) -> None:
        """Give a new or moved item the tenant of its context; none, when the caller sees no context of that name."""
        if changed(item, "context"):
            context = context_named(self.work, item.context)
            seen = context is not None and self.work.context.sees(context.tenant_uuid)
            item.tenant_uuid = context.tenant_uuid if seen else None


def context_known(work: Work, item: Any) -> None:
    """The item's context is one that the caller sees."""
    if item.tenant_uuid is None:
        raise errors.ParameterNotFound("context", "Context", metadata={"context": item.context})


def tenant_stays(work: Work, item: Any) -> None:
    """The item's new context has the tenant of the old one."""
    current = before(item, "tenant_uuid")
    if current != item.tenant_uuid:
        raise errors.DifferentTenants(
            metadata={"current_tenant_uuid": str(current), "context_tenant_uuid": str(item.tenant_uuid)}
        )


def _in_use(label: str, key: str, id_: Callable[[Any], Any] = lambda found: found.id) -> Callable[..., Any]:
    def error(context: Context, found: list[Any]) -> errors.ServiceError:
        return errors.Associated("Context", label, metadata={"context_id": context.id, key: id_(found[0])})

    return error


_FOR_EXAMPLES = ("user_ranges", "group_ranges", "queue_ranges", "conference_room_ranges")
_EXAMPLE = ({"start": "1000", "end": "1999"},)


class Contexts(ResourceService):
    spec = contexts
    dao = dao
    validator = Validator(
        delete=[
            Free("extensions", _in_use("Extension", "extension_id")),
            Free("voicemails", _in_use("Voicemail", "voicemail_id")),
            Free("trunks", _in_use("Trunk", "trunk_id")),
            Free("agent_login_statuses", _in_use("AgentLoginStatus", "agent_id", lambda found: found.agent_id)),
        ],
    )
    notifier = Notifier.resource(
        "context",
        "config.contexts",
        lambda context: {
            "id": context.id, "name": context.name, "type": context.type, "tenant_uuid": context.tenant_uuid,
        },
        reload=["dialplan reload"],
    )  # fmt: skip
    example = Example({"label": "context {n}", **dict.fromkeys(_FOR_EXAMPLES, _EXAMPLE)}, {"description": "changed"})

    def place(self, item: Context) -> None:
        super().place(item)
        item.uuid = uuid4()
        item.name = f"ctx-{Tenant.slug_of(self.work.session, item.tenant_uuid)}-{item.type}-{item.uuid}"


def _not_itself(work: Work, context: Context, included: Sequence[Context]) -> None:
    if context in included:
        raise errors.NotPermitted("Cannot include context inside itself")


class ContextContexts(MembersService):
    """The contexts that a context includes, in their order."""

    spec = context_contexts
    owner, members = dao, Members(dao, "contexts")
    relation, holds, details = "includes", ("included_id",), {"position": PLACE}
    validator = Validator(
        replace=[
            EachSameTenant("context", "included_context"),
            Once("Cannot include same context more than once"),
            _not_itself,
        ]
    )
    notifier = Notifier(
        {
            "replaced": EventType(
                "contexts_associated",
                "config.contexts.contexts.updated",
                lambda context, included: {"context_id": context.id, "context_ids": [each.id for each in included]},
            )
        },
        reload=["dialplan reload"],
    )


class ContextRanges(Service):
    spec = context_ranges

    @read
    def list(self, context_id: int, kind: str, **parameters: Any) -> dict[str, Any]:
        """Extens for some purpose, those in use left out unless `availability=all`, as `{"total": …, "items": […]}`.

        Args:
            kind: `user`, `group`, `queue`, `conference` or `incall`.
        """
        if kind not in RANGES:
            raise errors.InvalidChoice("kind", ", ".join(RANGES))
        wanted = self.options("list", parameters)
        column = "conference_room_ranges" if kind == "conference" else f"{kind}_ranges"
        context = orjson.loads(dao.value(self.work, context_id, "numbering"))
        used = context["extens"] if wanted["availability"] == "available" else ()
        found = free_ranges(context[column], used, wanted.get("search", ""))
        if "order" in wanted:
            found.sort(key=lambda each: each[wanted["order"]], reverse=wanted["direction"] == "desc")
        end = wanted["offset"] + wanted["limit"] if "limit" in wanted else None
        return {"total": len(found), "items": found[wanted["offset"] : end]}
