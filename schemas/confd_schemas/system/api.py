"""The description of the REST API."""

from ..spec import Resource, operation

__all__ = ["api"]

api = Resource(
    (
        operation(
            "GET",
            "/api/api.yml",
            "api.get",
            acl=None,
            produces="application/x-yaml",
            summary="This document, in the Swagger 2.0 format",
        ),
    ),
)
