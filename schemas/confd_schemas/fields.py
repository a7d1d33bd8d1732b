"""Field types of the wire, stricter than marshmallow's where PostgreSQL or the contract is.

The texts of errors and what each type accepts are those of the contract's catalogue of schema errors.
"""

import re
from typing import Any

from marshmallow import ValidationError, fields, validate

__all__ = [
    "UUID",
    "Boolean",
    "Computed",
    "DateTime",
    "Digits",
    "Email",
    "Float",
    "Integer",
    "Links",
    "List",
    "Nested",
    "Pairs",
    "StrictBoolean",
    "String",
    "Summary",
    "enum",
    "length",
    "pattern",
    "range_",
]

DateTime = fields.DateTime
Email = fields.Email
List = fields.List
Nested = fields.Nested
UUID = fields.UUID
Boolean = fields.Boolean

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INTEGER_MAX = 2**31 - 1


class String(fields.String):
    """A text that PostgreSQL can store: no NUL character and no lone surrogate."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text is None or _UNSTORABLE.search(text):
            raise self.make_error("invalid")
        return text


class Digits(String):
    """A text of digits only, at least one."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Regexp(r"^[0-9]+\Z", error="Invalid input."), **kwargs)


class Integer(fields.Integer):
    """A whole number that fits PostgreSQL's `integer`; text of digits is converted, a fraction is cut off."""

    def _validated(self, value: Any) -> int | None:
        try:
            number = super()._validated(value)
        except OverflowError as error:
            raise self.make_error("too_large", input=value) from error
        if number is not None and not -_INTEGER_MAX <= number <= _INTEGER_MAX:
            raise self.make_error("too_large", input=value)
        return number


class Float(fields.Float):
    """A finite number."""


class StrictBoolean(fields.Boolean):
    """Only `true` and `false`; no words, no numbers."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if value is True or value is False:
            return value
        raise self.make_error("invalid", input=value)


class Pairs(fields.List):
    """A list of [option, value] pairs of texts, order kept, repeats allowed.

    Args:
        minimum, maximum: limits of the length of each text.
        max_items: how many pairs at the most.
    """

    def __init__(
        self,
        *,
        minimum: int | None = None,
        maximum: int | None = None,
        max_items: int | None = None,
        **kwargs: Any,
    ) -> None:
        limits = length(minimum, maximum) if minimum is not None or maximum is not None else None
        pair = fields.List(String(validate=limits), validate=length(2, 2))
        super().__init__(pair, validate=length(None, max_items) if max_items else None, **kwargs)


class Computed(fields.Raw):
    """Shown only; the worker knows how the value comes about.

    Args:
        kind: what OpenAPI says of it: a type name (`string`, `object` …) or a JSON schema.
    """

    def __init__(self, kind: str | dict[str, Any] = "string", **kwargs: Any) -> None:
        self.kind = {"type": kind} if isinstance(kind, str) else kind
        super().__init__(dump_only=True, **kwargs)


class Links(fields.Raw):
    """`[{"rel": …, "href": …}]`, the href as a path that starts with `/`; the gateway makes it absolute.

    Args:
        rel: name of the resource.
        path: the href with one variable, such as `/users/{id}`; an item whose id is null shows no link.
    """

    def __init__(self, rel: str, path: str) -> None:
        self.rel = rel
        self.before, self.key, self.after = re.fullmatch(r"(.*)\{(\w+)\}(.*)", path).groups()  # type: ignore[union-attr]
        super().__init__(dump_only=True)


class Summary(fields.Raw):
    """Another resource, embedded read-only with some of its fields.

    While no plugin provides that resource or the relation to it, the value is the empty one: `[]` or null.

    Args:
        resource: name of the resource, as in its spec.
        only: names of the fields shown, in their order; all when there are none.
        many: a list of summaries instead of one or null.
    """

    def __init__(self, resource: str, *only: str, many: bool = False, **kwargs: Any) -> None:
        self.resource, self.only, self.many = resource, only, many
        super().__init__(dump_only=True, **kwargs)


class _Rich:
    """Wraps a validator's error in the rich style: message, constraint and its id."""

    def __init__(self, check: validate.Validator, constraint_id: str, constraint: Any) -> None:
        self.check, self.constraint_id, self.constraint = check, constraint_id, constraint

    def __call__(self, value: Any) -> Any:
        try:
            return self.check(value)
        except ValidationError as error:
            rich = {
                "constraint_id": self.constraint_id,
                "constraint": self.constraint,
                "message": error.messages[0],
            }
            raise ValidationError([rich]) from error  # type: ignore[list-item]


class range_(_Rich):
    """`min <= value <= max`; either limit may be None."""

    def __init__(self, minimum: float | None = None, maximum: float | None = None) -> None:
        self.minimum, self.maximum = minimum, maximum
        limits = {"min": minimum, "max": maximum}
        constraint = {name: limit for name, limit in limits.items() if limit is not None}
        super().__init__(validate.Range(minimum, maximum), "range", constraint)


def length(minimum: int | None = None, maximum: int | None = None) -> validate.Length:
    """The length of a text or list lies between both limits; either may be None."""
    return validate.Length(minimum, maximum)


def pattern(expression: str) -> validate.Regexp:
    """The text matches from its start; end the expression with `\\Z`, as `$` lets a newline pass."""
    return validate.Regexp(expression)


def enum(*choices: str) -> validate.OneOf:
    """The text is one of the choices."""
    return validate.OneOf(choices, error="Must be one of: {choices}.")
