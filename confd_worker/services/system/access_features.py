"""Access features: who outside may use what."""

from typing import Any

from confd_schemas.system.access_features import access_features

from ...models.system.access_feature import AccessFeature
from ...plugin import DAO, Example, Notifier, ResourceService, Unique, Validator, Work

__all__ = ["AccessFeatures"]


class _Notifier(Notifier):
    """Also restarts the daemon that reads access features only when it starts."""

    def announce(self, what: str, work: Work, *items: Any) -> None:
        super().announce(what, work, *items)
        work.ask_sysconfd("POST", "/services", **{"wazo-phoned": "restart"})


class AccessFeatures(ResourceService):
    spec = access_features
    dao = DAO(AccessFeature, access_features)
    validator = Validator(change=[Unique("host", "feature", label="AccessFeatures")])
    notifier = _Notifier.resource(
        "access_feature",
        "config.access_feature",
        lambda item: {"id": item.id, "host": item.host, "feature": item.feature, "enabled": item.enabled},
        tenant=False,
    )
    example = Example({"host": "{uuid}"}, {"enabled": False})
