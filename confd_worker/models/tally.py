"""Tallies: how many rows each tenant has in the tables that grow with its users."""

from sqlalchemy import Column, Index, Integer, String, Table, Uuid

from .base import Base

__all__ = ["tallies"]

tallies = Table(
    "tallies",
    Base.metadata,
    Column("table_name", String, nullable=False),
    Column("tenant_uuid", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Index(None, "table_name", "tenant_uuid"),
)
"""The rows of a tenant in a table are the sum of the numbers.

Each statement that adds or removes rows adds what it changed, so that transactions never wait for each other, and every
snapshot has the sum that belongs to it. Now and then such a statement folds what there is into one number.
"""
