"""The extension of a line."""

from ..dialplan.extensions import Extension
from ..spec import association, operation

__all__ = ["line_extensions"]

line_extensions = association(
    "/lines/{line_id:int}/extensions/{extension_id:int}",
    also=(
        operation(
            "POST",
            "/lines/{line_id:int}/extensions",
            body=Extension,
            answer=Extension,
            location="/extensions/{id}",
        ),
    ),
)
