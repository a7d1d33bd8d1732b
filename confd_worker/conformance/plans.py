"""How PostgreSQL finds the rows of a statement, whatever the tables hold.

Plans are made for empty copies of the tables, with all their indexes, in a transaction that is never committed: of a
table that has never been looked at PostgreSQL expects some pages of rows, and so takes the index that it would take of
a large one, too.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine

__all__ = ["Scan", "planner", "scans"]

SCHEMA = "confd_plans"
_SORTS = {"Sort", "Incremental Sort"}
# As for the worker's own connections, see `core.database.engine`.
_SETTINGS = {"jit": "off", "plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}


class Scan:
    """One place of a plan where rows of a table are looked for.

    Args:
        node: of the plan.
        above: the nodes that lead to it.

    Attributes:
        condition: what is looked up in an index; empty where all rows are read.
        filter: what is asked of each row that is read.
        sorted: whether what is found must be sorted.
    """

    def __init__(self, node: dict[str, Any], above: tuple[dict[str, Any], ...]) -> None:
        lookups = [node, *node.get("Plans", ())] if node["Node Type"] == "Bitmap Heap Scan" else [node]
        self.kind: str = node["Node Type"]
        self.condition = " ".join(each["Index Cond"] for each in lookups if "Index Cond" in each)
        self.filter: str = node.get("Filter", "")
        self.sorted = any(each["Node Type"] in _SORTS for each in above)

    def __str__(self) -> str:
        return f"{self.kind} by {self.condition}" if self.condition else self.kind

    def by(self, parameter: int) -> bool:
        """Whether the statement's parameter of that number is looked up."""
        return _names(self.condition, parameter)

    def reads_all_for(self, parameter: int) -> bool:
        """Whether each row is read and compared with that parameter."""
        return not self.by(parameter) and _names(self.filter, parameter)


def _names(condition: str, parameter: int) -> bool:
    return re.search(rf"\${parameter}\b", condition) is not None


@contextmanager
def planner(engine: Engine) -> Iterator[Connection]:
    """A connection that plans for copies of all tables."""
    with engine.connect() as connection:
        for name, value in _SETTINGS.items():
            connection.exec_driver_sql(f"SET LOCAL {name} = {value}")
        [usual] = connection.exec_driver_sql("SELECT current_schema()").scalars()
        tables = connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
        for table in tables.scalars():
            connection.exec_driver_sql(f'CREATE TABLE {SCHEMA}."{table}" (LIKE {usual}."{table}" INCLUDING ALL)')
        connection.exec_driver_sql(f"SET LOCAL search_path = {SCHEMA}, {usual}")
        yield connection
        connection.rollback()


def scans(connection: Connection, sql: str, table: str, *, sorting: bool = True) -> list[Scan]:
    """Where a statement's plan looks for rows of a table.

    Args:
        sorting: whether rows may be sorted even where an index gives the order.
    """
    count = max((int(number) for number in re.findall(r"\$(\d+)", sql)), default=0)
    values = f"({', '.join(['NULL'] * count)})" if count else ""
    connection.exec_driver_sql(f"SET LOCAL enable_sort = {'on' if sorting else 'off'}")
    planned = connection.execution_options(no_parameters=True)
    planned.exec_driver_sql(f"PREPARE planned AS {sql}")
    [[plan]] = planned.exec_driver_sql(f"EXPLAIN (COSTS OFF, FORMAT JSON) EXECUTE planned{values}").scalars()
    planned.exec_driver_sql("DEALLOCATE planned")
    return [Scan(node, above) for node, above in _nodes(plan["Plan"]) if node.get("Relation Name") == table]


def _nodes(node: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    yield node, above
    for inner in node.get("Plans", ()):
        yield from _nodes(inner, (*above, node))
