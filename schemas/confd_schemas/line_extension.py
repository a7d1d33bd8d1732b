"""The extension of a line."""

from .extensions import Extension
from .spec import association, operation

__all__ = ["line_extension"]

line_extension = association(
    "line_extension",
    "/lines/{line_id:int}/extensions/{extension_id:int}",
    also=(
        operation(
            "POST",
            "/lines/{line_id:int}/extensions",
            "line_extension.create",
            body=Extension,
            answer=Extension,
            location="/extensions/{id}",
        ),
    ),
)
