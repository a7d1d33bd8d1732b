"""The errors that calls are answered with: a status, a stable type and a text each.

What one plugin alone raises is in that plugin.

Texts and categories are those of the contract's catalogue of errors. Metadata is printed behind the text as a
Python dict without its braces, in the order given.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

__all__ = [
    "AlreadyExists",
    "Associated",
    "BadFields",
    "BadRequest",
    "BadValue",
    "Conflict",
    "DifferentTenants",
    "InputError",
    "InvalidChoice",
    "InvalidDirection",
    "InvalidOrder",
    "KeyReused",
    "MessageTooLarge",
    "MissingAssociation",
    "MissingParameters",
    "NoRevision",
    "NotFound",
    "NotPermitted",
    "OutcomeUnknown",
    "Overdue",
    "Overloaded",
    "ParameterNotFound",
    "ResourceError",
    "RevisionMismatch",
    "ServiceError",
    "TooLarge",
    "Unavailable",
    "Unexpected",
    "UnknownMethod",
    "WrongType",
]


class ServiceError(Exception):
    """A call that is refused.

    Args:
        words: fill the placeholders of `text`.
        metadata: what the error is about, by name.
    """

    status: ClassVar[int] = 400
    type: ClassVar[str] = "error"
    category: ClassVar[str] = ""
    text: ClassVar[str] = "{0}"

    def __init__(self, *words: Any, metadata: dict[str, Any] | None = None, **more: Any) -> None:
        self.metadata = {**(metadata or {}), **more}
        self.message = self.text.format(*words)
        if self.category:
            self.message = f"{self.category} - {self.message}"
        if self.metadata:
            self.message += f" ({str(self.metadata)[1:-1]})"
        super().__init__(self.message)

    @property
    def details(self) -> dict[str, Any]:
        """What a program may want to know beyond the message."""
        return self.metadata


class InputError(ServiceError):
    """What the caller gave is wrong by itself."""

    category = "Input Error"


class ResourceError(ServiceError):
    """What the caller wants does not go with what there is."""

    category = "Resource Error"


class MissingParameters(InputError):
    """Arguments that must be given are not there."""

    type, text = "missing-parameters", "missing parameters: {0}"


class WrongType(InputError):
    """An argument or query parameter has another type."""

    type, text = "wrong-type", "field '{0}': wrong type. Should be a {1}"


class BadValue(InputError):
    """A value that its field refuses; the text stands alone."""

    type, text = "bad-value", "{0}"

    def __init__(self, text: str, *, category: str = "Input Error") -> None:
        super().__init__(text)
        if not category:
            self.message = text


class InvalidChoice(InputError):
    """A value that is not one of those allowed."""

    type, text = "invalid-choice", "'{0}' must be one of ({1})"


class InvalidDirection(InputError):
    """`direction=` is neither asc nor desc."""

    type, text = "invalid-direction", "direction: must be 'asc' or 'desc'"


class InvalidOrder(InputError):
    """`order=` names a column that cannot be ordered by."""

    type, text = "invalid-ordering", "order: column '{0}' was not found"


class ParameterNotFound(InputError):
    """A field of the body refers to what does not exist or is not visible."""

    type, text = "param-not-found", "field '{0}': {1} was not found"


class NoRevision(InputError):
    """A condition for a call that changes no item with a revision."""

    type, text = "no-revision", "if_revision: {0} changes no item that has a revision"


class BadFields(ServiceError):
    """A body or query that its schema refuses: one message for each bad field of the first level.

    Args:
        fields: messages by field, as marshmallow gives them.
    """

    type = "schema"

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields
        self.messages = [f"Input Error - {name}: {detail}" for name, detail in fields.items()]
        super().__init__("; ".join(self.messages))

    @property
    def details(self) -> dict[str, Any]:
        """The messages one by one, and by field."""
        return {"messages": self.messages, "fields": self.fields}


class NotFound(ServiceError):
    """An id of the call does not exist or is in a tenant that the caller does not see."""

    status, type, category, text = 404, "not-found", "Resource Not Found", "{0} was not found"


class AlreadyExists(ResourceError):
    """A unique value is taken."""

    type, text = "resource-exists", "{0} already exists"


class Associated(ResourceError):
    """Refused because of an association that there is."""

    type, text = "resource-associated", "{0} is associated with a {1}"


class MissingAssociation(ResourceError):
    """Refused because of an association that there is not."""

    type, text = "missing-association", "{0} must be associated with a {1}"


class NotPermitted(ResourceError):
    """What the rules of the resource forbid."""

    type, text = "not-permitted", "Operation not permitted. {0}"


class DifferentTenants(ResourceError):
    """Two items that live in two tenants."""

    type, text = "different-tenants", "different tenants"


class Conflict(ResourceError):
    """Another call changed what this one relied on, again and again."""

    status, type, text = 409, "conflict", "Changed by another call at the same time: {0}"


class RevisionMismatch(ResourceError):
    """The item was changed since the caller read it; the metadata tell its present revision."""

    status, type, text = 412, "revision-mismatch", "The item has another revision"


class KeyReused(ResourceError):
    """The idempotency key was used for a call with other arguments."""

    type, text = "idempotency-key-reused", "The idempotency key '{0}' was used for another call"


class TooLarge(InputError):
    """A file is larger than allowed."""

    status, type, text = 413, "too-large", "body: larger than {0} bytes"


class MessageTooLarge(ServiceError):
    """A call, or the reply to one, is larger than the broker takes; such a message would end all others with its own.

    Args:
        what: "a call" or "a reply".
    """

    status, type = 413, "message-too-large"
    text = "{0}: {1} of {2} bytes is larger than the {3} that the message bus takes{4}"

    def __init__(self, method: str, what: str, size: int, limit: int, advice: str = "") -> None:
        super().__init__(method, what, size, limit, advice and f"; {advice}")


class Overdue(ServiceError):
    """The call reached the worker after its deadline; it was not run."""

    status, type, text = 503, "deadline-exceeded", "The deadline of the call passed before it could be run"


class Overloaded(ServiceError):
    """More calls came than can be worked off; this one was not run."""

    status, type, text = 503, "overloaded", "Overloaded: {0}. Try again a little later"


class Unavailable(ServiceError):
    """Something that the call needs is not there at the moment; nothing was changed."""

    status, type, text = 503, "unavailable", "Not available: {0}"


class OutcomeUnknown(ServiceError):
    """A commit, or the reply to an earlier delivery of the call, was lost, and nobody can say what became of it."""

    status, type = 503, "outcome-unknown"
    text = "Whether the change was made is unknown. Repeat the call with its idempotency key"


class BadRequest(ServiceError):
    """A message that is not a call: its envelope or its arguments have another form."""

    type, text = "bad-request", "{0}"


class UnknownMethod(ServiceError):
    """The service has no such method."""

    status, type, text = 404, "unknown-method", "Service '{0}' has no method '{1}'{2}"

    def __init__(self, service: str, method: str, alike: Sequence[str] = ()) -> None:
        super().__init__(service, method, f"; there is {', '.join(alike)}" if alike else "")


class Unexpected(ServiceError):
    """An error that nobody foresaw; what it says is in the log only."""

    status, type, text = 500, "unexpected", "Unexpected error: {0}"
