"""Tokens and tenants from a YAML file, for development and tests.

tenants:
  - {uuid: 8c5f…, name: master}
  - {uuid: 11e2…, parent_uuid: 8c5f…, name: customer}
tokens:
  - {token: s3cret, tenant_uuid: 8c5f…, acl: ["confd.#"]}
"""

import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .acl import Acl
from .auth import UUID, Access, Auth, chosen_tenant
from .errors import TokenRefused
from .settings import ConfigurationError

__all__ = ["StaticAuth"]

TENANT_KEYS = {"uuid", "parent_uuid", "name", "slug"}
TOKEN_KEYS = {"token", "tenant_uuid", "acl", "user_uuid", "session_uuid"}


@dataclass(frozen=True, slots=True)
class _Token:
    secret: bytes
    tenant_uuid: str
    user_uuid: str | None
    acl: Acl


class StaticAuth(Auth):
    """Knows the callers that a file names.

    Args:
        visible: by tenant, itself and its descendants.
    """

    def __init__(self, tokens: list[_Token], visible: dict[str, tuple[str, ...]], master_tenant: str | None) -> None:
        self._tokens = tokens
        self._visible = visible
        self.master_tenant = master_tenant

    @classmethod
    def from_file(cls, path: str, master_tenant: str | None = None) -> "StaticAuth":
        """Read and check the file.

        Args:
            master_tenant: uuid; by default that of the only tenant without a parent.

        Raises:
            ConfigurationError: names the file, the entry and what is allowed.
        """
        content = _read(path)
        parents = _tenants(path, content.get("tenants"))
        if master_tenant is None:
            roots = [uuid for uuid, parent in parents.items() if parent is None]
            if len(roots) != 1:
                raise ConfigurationError(
                    f"{path}: tenants: exactly one must have no parent_uuid and so be the master tenant, unless "
                    f"master_tenant_uuid is set; {len(roots)} have none"
                )
            master_tenant = roots[0]
        elif master_tenant not in parents:
            raise ConfigurationError(f"{path}: tenants: master_tenant_uuid {master_tenant} is not among them")
        return cls(_tokens(path, content.get("tokens"), parents), _visible(parents), master_tenant)

    async def access(self, token: str, acl: str, tenant: str, *, master_only: bool) -> Access:
        """As the interface says."""
        found = self._find(token)
        if found is None:
            raise TokenRefused(token, acl)
        chosen = chosen_tenant(token, acl, tenant) or found.tenant_uuid
        if chosen not in self._visible[found.tenant_uuid] or not found.acl.grants(acl):
            raise TokenRefused(token, acl, tenant or None)
        if master_only:
            self.check_master(token, found.tenant_uuid)
        return Access(chosen, self._visible[chosen], found.user_uuid)

    def _find(self, token: str) -> _Token | None:
        """Compares with every token, so that the time taken tells nothing."""
        given = token.encode()
        matching = [known for known in self._tokens if hmac.compare_digest(known.secret, given)]
        return matching[0] if matching else None


def _read(path: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ConfigurationError(f"{path}{where}: not YAML") from None
    if not isinstance(content, dict) or not set(content) <= {"tenants", "tokens"}:
        raise ConfigurationError(f"{path}: must hold the keys tenants and tokens, and no others")
    return content


def _entries(path: str, name: str, entries: Any, allowed: set[str]) -> list[tuple[str, dict[str, Any]]]:
    """Each entry with how errors call it."""
    if not isinstance(entries, list) or not entries:
        raise ConfigurationError(f"{path}: {name}: must be a list of at least one entry")
    for place, entry in enumerate(entries):
        if not isinstance(entry, dict) or not set(entry) <= allowed:
            raise ConfigurationError(
                f"{path}: {name}[{place}]: must be an object with keys {', '.join(sorted(allowed))}"
            )
    return [(f"{path}: {name}[{place}]", entry) for place, entry in enumerate(entries)]


def _uuid(where: str, entry: dict[str, Any], name: str) -> str | None:
    value = entry.get(name)
    if value is not None and not (isinstance(value, str) and UUID.fullmatch(value)):
        raise ConfigurationError(f"{where}: {name}: must be a uuid as text, not {value!r}")
    return value.lower() if value else None


def _tenants(path: str, entries: Any) -> dict[str, str | None]:
    """Parents by tenant; a tenant that is its own parent has none."""
    parents: dict[str, str | None] = {}
    for where, entry in _entries(path, "tenants", entries, TENANT_KEYS):
        uuid = _uuid(where, entry, "uuid")
        if uuid is None or uuid in parents:
            raise ConfigurationError(f"{where}: uuid: must be given, and be that of no other tenant")
        parent = _uuid(where, entry, "parent_uuid")
        parents[uuid] = None if parent == uuid else parent
    for uuid, parent in parents.items():
        if parent is not None and parent not in parents:
            raise ConfigurationError(f"{path}: tenants: parent_uuid {parent} of {uuid} is not among them")
    for uuid in parents:
        _ancestors(path, uuid, parents)
    return parents


def _ancestors(path: str, uuid: str, parents: dict[str, str | None]) -> list[str]:
    """The tenant and those above it, from the bottom up."""
    line: list[str] = []
    current: str | None = uuid
    while current is not None:
        if current in line:
            raise ConfigurationError(f"{path}: tenants: {uuid} is above itself")
        line.append(current)
        current = parents[current]
    return line


def _visible(parents: dict[str, str | None]) -> dict[str, tuple[str, ...]]:
    lines = {uuid: _ancestors("", uuid, parents) for uuid in parents}
    return {top: tuple(uuid for uuid, line in lines.items() if top in line) for top in parents}


def _tokens(path: str, entries: Any, parents: dict[str, str | None]) -> list[_Token]:
    tokens: dict[str, _Token] = {}
    for where, entry in _entries(path, "tokens", entries, TOKEN_KEYS):
        secret = entry.get("token")
        if not isinstance(secret, str) or not secret or secret in tokens:
            raise ConfigurationError(f"{where}: token: must be a text, not empty, and that of no other entry")
        tenant = _uuid(where, entry, "tenant_uuid")
        if tenant is None or tenant not in parents:
            raise ConfigurationError(f"{where}: tenant_uuid: must be the uuid of one of the tenants")
        patterns = entry.get("acl")
        if not isinstance(patterns, list) or not all(isinstance(one, str) for one in patterns):
            raise ConfigurationError(f'{where}: acl: must be a list of texts such as "confd.#"')
        user = _uuid(where, entry, "user_uuid")
        tokens[secret] = _Token(secret.encode(), tenant, user, Acl(patterns, user, _uuid(where, entry, "session_uuid")))
    return list(tokens.values())
