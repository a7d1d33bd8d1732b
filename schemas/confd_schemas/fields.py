"""Field types of the wire, stricter than marshmallow's where PostgreSQL or the contract is.

The texts of errors and what each type accepts are those of the contract's catalogue of schema errors. A field whose
`load_default` is None also accepts null. Every list of a body has a limit: `LIST_MAX`, unless its field has another.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

__all__ = [
    "LIST_MAX",
    "UUID",
    "Boolean",
    "Computed",
    "DateTime",
    "Digits",
    "Email",
    "Field",
    "Flag",
    "Float",
    "Integer",
    "Links",
    "List",
    "Nested",
    "NestedChange",
    "OptionalString",
    "Options",
    "OrderedOptions",
    "Pairs",
    "Reference",
    "StrictBoolean",
    "String",
    "Summary",
    "Whole",
    "enum",
    "length",
    "pattern",
    "range_",
    "section_name",
]

DateTime = fields.DateTime
Field = fields.Field
UUID = fields.UUID
Boolean = fields.Boolean

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INTEGER_MAX = 2**31 - 1
LIST_MAX = 10_000
"""Entries of a list in a body at the most, where its field does not say otherwise."""
_EMAIL_MAX = 320
_WHOLE = re.compile(r"[+-]?[0-9]+")


class String(fields.String):
    """A text that PostgreSQL can store: no NUL character and no lone surrogate."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text is None or _UNSTORABLE.search(text):
            raise self.make_error("invalid")
        return text


class OptionalString(String):
    """A text or null; the empty text is the same as null."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**({"allow_none": True} | kwargs))

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        return super().deserialize(None if value == "" else value, attr, data, **kwargs)


class Email(String, fields.Email):
    """An e-mail address."""

    def _validate(self, value: Any) -> None:
        # No address is longer (RFC 5321, 4.5.3.1), and a long text would keep the pattern busy for seconds.
        if value is not None and len(value) > _EMAIL_MAX:
            raise self.make_error("invalid")
        super()._validate(value)


class Digits(String):
    """A text of digits only, at least one.

    Args:
        equal, maximum: how many digits, exactly or at the most.
    """

    def __init__(self, *, equal: int | None = None, maximum: int | None = None, **kwargs: Any) -> None:
        checks: list[Any] = [validate.Regexp(r"^[0-9]+\Z", error="Invalid input.")]
        if equal is not None or maximum is not None:
            checks.append(validate.Length(max=maximum, equal=equal))
        super().__init__(validate=checks, **kwargs)


class Integer(fields.Integer):
    """A whole number that fits PostgreSQL's `integer`; text of digits is converted, a fraction is cut off."""

    def _validated(self, value: Any) -> int:
        if isinstance(value, str) and not _WHOLE.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return super()._validated(value)

    def _validate(self, value: Any) -> None:
        # After the field's own range, whose error tells more.
        super()._validate(value)
        if value is not None and not -_INTEGER_MAX <= value <= _INTEGER_MAX:
            raise self.make_error("too_large", input=value)


class Float(fields.Float):
    """A finite number."""


class StrictBoolean(fields.Boolean):
    """Only `true` and `false`; no words, no numbers."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if value is True or value is False:
            return value
        raise self.make_error("invalid", input=value)


class Flag(fields.Boolean):
    """A boolean as query parameters spell it: the boolean words in any letter case."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        return super()._deserialize(value.lower() if isinstance(value, str) else value, attr, data, **kwargs)


def _limited(checks: Any) -> list[Any]:
    """Validators of a list, among them one of its length."""
    given = [] if checks is None else list(checks) if isinstance(checks, Sequence) else [checks]
    limited = any(isinstance(each, validate.Length) and (each.max or each.equal) for each in given)
    return given if limited else [*given, validate.Length(max=LIST_MAX)]


def _check_length(field: fields.Field[Any], value: Any) -> None:
    """Refuse a list that is too long before its entries are looked at."""
    if isinstance(value, list):
        for each in field.validators:
            if isinstance(each, validate.Length) and each.max is not None and len(value) > each.max:
                each(value)


class List(fields.List):
    """A list of values of one type."""

    def __init__(self, inner: Any, **kwargs: Any) -> None:
        super().__init__(inner, **kwargs | {"validate": _limited(kwargs.get("validate"))})

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        _check_length(self, value)
        return super()._deserialize(value, attr, data, **kwargs)


class Nested(fields.Nested):
    """An object, or with `many` a list of objects; instead of one object, an empty value of any type is `{}`."""

    def __init__(self, nested: Any, *, many: bool = False, **kwargs: Any) -> None:
        if many:
            kwargs["validate"] = _limited(kwargs.get("validate"))
        super().__init__(nested, many=many, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, partial: Any = None, **kwargs: Any) -> Any:
        _check_length(self, value)
        return super()._deserialize(value if value or self.many else {}, attr, data, partial, **kwargs)


class NestedChange(Nested):
    """An object, or with `many` a list of objects, that need not give all its fields.

    Args:
        needed: names of the fields that it must give all the same, where they are required.
    """

    def __init__(self, nested: Any, *, needed: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(nested, **kwargs)
        self._needed = needed

    def _deserialize(self, value: Any, attr: str | None, data: Any, partial: Any = None, **kwargs: Any) -> Any:
        optional = tuple(name for name in self.schema.fields if name not in self._needed)
        return super()._deserialize(value, attr, data, optional, **kwargs)


class Pairs(List):
    """A list of [option, value] pairs of texts, order kept, repeats allowed.

    Args:
        minimum, maximum: limits of the length of each text.
        size: what checks that a pair is one.
    """

    def __init__(
        self,
        *,
        minimum: int | None = None,
        maximum: int | None = None,
        size: validate.Length = validate.Length(2, 2),  # noqa: B008
        **kwargs: Any,
    ) -> None:
        limits = length(minimum, maximum) if minimum is not None or maximum is not None else None
        pair = fields.List(String(validate=limits), validate=size)
        super().__init__(pair, **kwargs)


class Whole(fields.Field):
    """Any JSON object, checked by who uses it.

    Args:
        kind: what OpenAPI says of it, a JSON schema.
    """

    default_error_messages = {"invalid": "Not a valid mapping type."}

    def __init__(self, kind: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict):
            raise self.make_error("invalid")
        return value


class Computed(fields.Raw):
    """Shown only; the worker knows how the value comes about.

    Args:
        kind: what OpenAPI says of it: a type name (`string`, `object` …) or a JSON schema.
        empty: what is shown while no plugin provides the value.
    """

    def __init__(self, kind: str | dict[str, Any] = "string", *, empty: Any = None, **kwargs: Any) -> None:
        self.kind = {"type": kind} if isinstance(kind, str) else kind
        self.empty = empty
        super().__init__(dump_only=True, **kwargs)


class Options(fields.Field):
    """An object of texts by name; a list of `{"key": …, "value": …}` is taken as well.

    Args:
        key, value: what each of the two texts must be.
    """

    kind = {"type": "object", "additionalProperties": {"type": "string"}}
    default_error_messages = {"invalid": "Invalid type."}

    def __init__(self, *, key: String | None = None, value: String | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pair: dict[str, Any] = {"key": key or String(required=True), "value": value or String(required=True)}
        self._pairs = Nested(Schema.from_dict(pair), many=True)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, Mapping):
            value = [{"key": key, "value": text} for key, text in value.items()]
        return dict(self._loaded(value, attr, data))

    def _loaded(self, value: Any, attr: str | None, data: Any) -> list[list[str]]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        return [[pair["key"], pair["value"]] for pair in self._pairs.deserialize(value, attr, data)]


class OrderedOptions(Options):
    """[option, value] pairs of texts, order kept, repeats allowed; `{"key": …, "value": …}` is taken as a pair."""

    kind = {
        "type": "array",
        "items": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2},
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, list):
            value = [_as_object(each) for each in value]
        return self._loaded(value, attr, data)


def _as_object(pair: Any) -> Any:
    return dict(zip(("key", "value"), pair, strict=True)) if isinstance(pair, list) and len(pair) == 2 else pair


class Links(fields.Raw):
    """`[{"rel": …, "href": …}]`, the href as a path that starts with `/`; the gateway makes it absolute.

    Args:
        rel: name of the resource.
        path: the href with one variable, such as `/users/{id}`; an item whose id is null shows no link.
    """

    def __init__(self, rel: str, path: str) -> None:
        self.rel = rel
        self.before, self.key, self.after = re.split(r"\{(\w+)\}", path)
        super().__init__(dump_only=True)


class Summary(fields.Raw):
    """Another resource, embedded read-only with some of its fields.

    While no plugin provides that resource or the relation to it, the value is the empty one: `[]` or null.

    Args:
        resource: name of the resource, as in its spec.
        only: names of the fields shown, in their order; all when there are none.
        many: a list of summaries instead of one or null.
        schema: the schema's class, where the summary does not look like the resource itself.
    """

    def __init__(
        self, resource: str, *only: str, many: bool = False, schema: type[Schema] | None = None, **kwargs: Any
    ) -> None:
        self.resource, self.only, self.many, self.schema_class = resource, only, many, schema
        super().__init__(**({"dump_only": True} | kwargs))


class Reference(Summary):
    """Another resource, embedded like a summary, that a body may choose by its key.

    Args:
        resource: name of the resource, as in its spec.
        schema: how the summary looks; what is not read-only in it is the key: `{"uuid": …}`.
        many: a list instead of one or null.
    """

    def __init__(self, resource: str, schema: type[Schema], *, many: bool = False, **kwargs: Any) -> None:
        super().__init__(resource, many=many, schema=schema, **({"dump_only": False} | kwargs))
        self._chosen = schema

    def _bind_to_schema(self, field_name: str, parent: Any) -> None:
        super()._bind_to_schema(field_name, parent)
        self._key = Nested(self._chosen, many=self.many)
        self._key._bind_to_schema(field_name, parent)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return self._key.deserialize(value, attr, data, **kwargs)


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
        self.min, self.max = minimum, maximum
        limits = {"min": minimum, "max": maximum}
        constraint = {name: limit for name, limit in limits.items() if limit is not None}
        super().__init__(validate.Range(minimum, maximum), "range", constraint)


class section_name(validate.Validator):
    """The text may name a section of Asterisk's configuration.

    Args:
        maximum: length in characters.
        reserved: names that Asterisk keeps for itself.
    """

    regex = re.compile(r"^[-_.a-zA-Z0-9]+\Z")
    min, equal = 1, None

    def __init__(self, maximum: int, reserved: tuple[str, ...] = ()) -> None:
        self.max, self.reserved = maximum, reserved

    def __call__(self, value: str) -> str:
        if not value:
            raise ValidationError("Shorter than minimum length 1")
        if len(value) > self.max:
            raise ValidationError(f"Longer than maximum length {self.max}")
        if value in self.reserved:
            raise ValidationError("Reserved Asterisk section name")
        if not self.regex.match(value):
            raise ValidationError("Not a valid Asterisk section name")
        return value


def length(minimum: int | None = None, maximum: int | None = None) -> validate.Length:
    """The length of a text or list lies between both limits; either may be None."""
    return validate.Length(minimum, maximum)


def pattern(expression: str) -> validate.Regexp:
    """The text matches from its start; end the expression with `\\Z`, as `$` lets a newline pass."""
    return validate.Regexp(expression)


def enum(*choices: str) -> validate.OneOf:
    """The text is one of the choices."""
    return validate.OneOf(choices, error="Must be one of: {choices}.")
