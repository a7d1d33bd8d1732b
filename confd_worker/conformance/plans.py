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

__all__ = ["Planner", "Scan", "planner"]

SCHEMA = "confd_plans"
_SORTS = {"Sort", "Incremental Sort"}
# As for the worker's own connections, see `core.database.engine`.
_SETTINGS = {"jit": "off", "plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
_LEADS = f"""
    SELECT relname, pg_get_indexdef(pg_class.oid, 1, true)
    FROM pg_class JOIN pg_am ON pg_am.oid = relam
    WHERE relnamespace = '{SCHEMA}'::regnamespace AND amname = 'btree'
"""


class Scan:
    """One place of a plan where rows of a table are looked for.

    Args:
        node: of the plan.
        above: the nodes that lead to it.
        leads: what indexes whose columns have an order begin with.

    Attributes:
        condition: what is looked up in an index that begins with it; empty where all rows are read.
        filter: what is asked of each row that is read.
        sorted: whether what is found must be sorted.
    """

    def __init__(self, node: dict[str, Any], above: tuple[dict[str, Any], ...], leads: dict[str, str]) -> None:
        self.kind: str = node["Node Type"]
        self.sorted = any(each["Node Type"] in _SORTS for each in above)
        looked_up: list[str] = []
        read: list[str] = [node.get("Filter", "")]
        for each, _ in _nodes(node):
            if each is node or each["Node Type"].startswith("Bitmap"):
                condition = each.get("Index Cond", "")
                (looked_up if _begins(leads.get(each.get("Index Name", ""), ""), condition) else read).append(condition)
        self.condition, self.filter = " ".join(looked_up).strip(), " ".join(read).strip()

    def __str__(self) -> str:
        return f"{self.kind} by {self.condition}" if self.condition else f"{self.kind} of all rows for {self.filter}"

    def by(self, parameter: int) -> bool:
        """Whether the statement's parameter of that number is looked up."""
        return _names(self.condition, parameter)

    def reads_all_for(self, parameter: int) -> bool:
        """Whether each row is read and compared with that parameter."""
        return not self.by(parameter) and _names(self.filter, parameter)


def _begins(column: str, condition: str) -> bool:
    """Whether an index that begins with a column is of use for a condition; one with an expression may be."""
    return not column.isidentifier() or re.search(rf"\b{column}\b", condition) is not None


def _names(condition: str, parameter: int) -> bool:
    return re.search(rf"\${parameter}\b", condition) is not None


class Planner:
    """Plans statements.

    Args:
        connection: with a transaction in which the copies of the tables are the ones that are found.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection.execution_options(no_parameters=True)
        self._leads = {index: column for index, column in self._connection.exec_driver_sql(_LEADS)}  # noqa: C416

    def scans(self, sql: str, table: str, *, sorting: bool = True) -> list[Scan]:
        """Where a statement's plan looks for rows of a table.

        Args:
            sorting: whether rows may be sorted even where an index gives the order.
        """
        run = self._connection.exec_driver_sql
        count = max((int(number) for number in re.findall(r"\$(\d+)", sql)), default=0)
        values = f"({', '.join(['NULL'] * count)})" if count else ""
        run(f"SET LOCAL enable_sort = {'on' if sorting else 'off'}")
        run(f"PREPARE planned AS {sql}")
        [[plan]] = run(f"EXPLAIN (COSTS OFF, FORMAT JSON) EXECUTE planned{values}").scalars()
        run("DEALLOCATE planned")
        found = ((node, above) for node, above in _nodes(plan["Plan"]) if node.get("Relation Name") == table)
        return [Scan(node, above, self._leads) for node, above in found]


@contextmanager
def planner(engine: Engine) -> Iterator[Planner]:
    """A planner for copies of all tables."""
    with engine.connect() as connection:
        for name, value in _SETTINGS.items():
            connection.exec_driver_sql(f"SET LOCAL {name} = {value}")
        [usual] = connection.exec_driver_sql("SELECT current_schema()").scalars()
        tables = connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
        for table in tables.scalars():
            connection.exec_driver_sql(f'CREATE TABLE {SCHEMA}."{table}" (LIKE {usual}."{table}" INCLUDING ALL)')
        connection.exec_driver_sql(f"SET LOCAL search_path = {SCHEMA}, {usual}")
        yield Planner(connection)
        connection.rollback()


def _nodes(node: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    yield node, above
    for inner in node.get("Plans", ()):
        yield from _nodes(inner, (*above, node))
