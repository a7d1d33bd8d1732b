"""Every error that a call can be answered with: a status, a stable type and a text.

Texts and categories are those of the contract's catalogue of errors. Metadata is printed behind the text as a
Python dict without its braces, in the order given.
"""

from typing import Any, ClassVar

__all__ = [
    "AlreadyExists",
    "Associated",
    "BadFields",
    "BadRequest",
    "BadValue",
    "Conflict",
    "CustomWithoutApplication",
    "DifferentTenants",
    "ExtenUsedTwice",
    "ForwardWithoutDestination",
    "ImportFailed",
    "InvalidChoice",
    "InvalidDirection",
    "InvalidOrder",
    "InvalidView",
    "KeyReused",
    "MissingAssociation",
    "MissingParameters",
    "MobileFallbackWithoutNumber",
    "NoRevision",
    "NotFound",
    "NotPermitted",
    "NothingThere",
    "OutcomeUnknown",
    "OutsideContextRange",
    "Overdue",
    "Overloaded",
    "ParameterNotFound",
    "RevisionMismatch",
    "SecondaryUsers",
    "ServiceError",
    "TooLarge",
    "Unavailable",
    "Unexpected",
    "UnhandledContextType",
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


class _InputError(ServiceError):
    category = "Input Error"


class _ResourceError(ServiceError):
    category = "Resource Error"


class MissingParameters(_InputError):
    """Arguments that must be given are not there."""

    type, text = "missing-parameters", "missing parameters: {0}"


class WrongType(_InputError):
    """An argument or query parameter has another type."""

    type, text = "wrong-type", "field '{0}': wrong type. Should be a {1}"


class BadValue(_InputError):
    """A value that its field refuses; the text stands alone."""

    type, text = "bad-value", "{0}"

    def __init__(self, text: str, *, category: str = "Input Error") -> None:
        super().__init__(text)
        if not category:
            self.message = text


class InvalidChoice(_InputError):
    """A value that is not one of those allowed."""

    type, text = "invalid-choice", "'{0}' must be one of ({1})"


class InvalidDirection(_InputError):
    """`direction=` is neither asc nor desc."""

    type, text = "invalid-direction", "direction: must be 'asc' or 'desc'"


class InvalidOrder(_InputError):
    """`order=` names a column that cannot be ordered by."""

    type, text = "invalid-ordering", "order: column '{0}' was not found"


class InvalidView(_InputError):
    """`view=` names no view of the resource."""

    type, text = "invalid-view", "view '{0}' does not exist"


class ParameterNotFound(_InputError):
    """A field of the body refers to what does not exist or is not visible."""

    type, text = "param-not-found", "field '{0}': {1} was not found"


class OutsideContextRange(_InputError):
    """An exten is in no range of its context."""

    type, text = "outside-context-range", "Extension '{0}' is outside of range for context '{1}'"


class ExtenUsedTwice(_InputError):
    """Two choices of an IVR have the same exten."""

    type, text = "ivr-exten-used", "exten '{0}' used in more than one choice"


class CustomWithoutApplication(_InputError):
    """Music on hold of the mode custom comes from an application, and none is given."""

    type, text = "moh-custom-no-app", "custom mode must have an application"


class NoRevision(_InputError):
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


class ImportFailed(ServiceError):
    """Rows of an import were refused, and so nothing was imported.

    Args:
        rows: an error for each such row; the whole of the HTTP answer.
    """

    type, text = "import-failed", "{0} rows were refused; nothing was imported"

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        super().__init__(len(rows))

    @property
    def details(self) -> dict[str, Any]:
        """The whole body of the HTTP answer."""
        return {"body": {"errors": self.rows}}


class NotFound(ServiceError):
    """An id of the call does not exist or is in a tenant that the caller does not see."""

    status, type, category, text = 404, "not-found", "Resource Not Found", "{0} was not found"


class NothingThere(ServiceError):
    """What the path leads to is not there, though each of its ids is known; the gateway shows the text alone."""

    status, type, text = 404, "not-found", "Resource Not Found."

    @property
    def details(self) -> dict[str, Any]:
        """The whole body of the HTTP answer."""
        return {"body": self.message}


class AlreadyExists(_ResourceError):
    """A unique value is taken."""

    type, text = "resource-exists", "{0} already exists"


class Associated(_ResourceError):
    """Refused because of an association that there is."""

    type, text = "resource-associated", "{0} is associated with a {1}"


class MissingAssociation(_ResourceError):
    """Refused because of an association that there is not."""

    type, text = "missing-association", "{0} must be associated with a {1}"


class ForwardWithoutDestination(_ResourceError):
    """A forward that is enabled has no destination."""

    type, text = "forward-destination-null", "Forward must be disabled to remove destination"


class MobileFallbackWithoutNumber(_ResourceError):
    """The mobile fallback is enabled, but there is no mobile number."""

    type = "mobile-fallback-number-null"
    text = "PSTN fallback must be disabled when mobile phone number is not set"


class UnhandledContextType(_ResourceError):
    """The type of the context does not go with the association."""

    type, text = "unhandled-context-type", "ContextType '{0}' cannot be associated"


class SecondaryUsers(_ResourceError):
    """The line still has users beside its main user."""

    type, text = "secondary-users", "There are secondary users associated to the line"


class NotPermitted(_ResourceError):
    """What the rules of the resource forbid."""

    type, text = "not-permitted", "Operation not permitted. {0}"


class DifferentTenants(_ResourceError):
    """Two items that live in two tenants."""

    type, text = "different-tenants", "different tenants"


class Conflict(_ResourceError):
    """Another call changed what this one relied on, again and again."""

    status, type, text = 409, "conflict", "Changed by another call at the same time: {0}"


class RevisionMismatch(_ResourceError):
    """The item was changed since the caller read it; the metadata tell its present revision."""

    status, type, text = 412, "revision-mismatch", "The item has another revision"


class KeyReused(_ResourceError):
    """The idempotency key was used for a call with other arguments."""

    type, text = "idempotency-key-reused", "The idempotency key '{0}' was used for another call"


class TooLarge(_InputError):
    """A file is larger than allowed."""

    status, type, text = 413, "too-large", "body: larger than {0} bytes"


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

    status, type, text = 404, "unknown-method", "Service '{0}' has no method '{1}'"


class Unexpected(ServiceError):
    """An error that nobody foresaw; what it says is in the log only."""

    status, type, text = 500, "unexpected", "Unexpected error: {0}"
