"""What differs between the tables of a database and the models, as PostgreSQL itself understands both.

The models' tables are made in a schema of their own, in a transaction that is never committed. So both are read from
the same catalogues, in the same words, whatever it is that they say.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, MetaData, text
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable

from ..models.base import counting

__all__ = ["differences", "strangers"]

SCHEMA = "confd_models"
Facts = dict[tuple[str, str], str]
"""What is said of a table or a column: of what, which statement of it, and its words."""

_FACTS = """
    SELECT relname, attname, concat_ws(
        ' ', format_type(atttypid, atttypmod),
        CASE WHEN attcollation <> typcollation THEN 'COLLATE ' || attcollation::regcollation END,
        CASE WHEN attnotnull THEN 'NOT NULL' END,
        CASE attgenerated WHEN 's' THEN 'GENERATED STORED' WHEN 'v' THEN 'GENERATED VIRTUAL' END,
        CASE attidentity WHEN 'a' THEN 'IDENTITY ALWAYS' WHEN 'd' THEN 'IDENTITY' END,
        'DEFAULT ' || pg_get_expr(adbin, adrelid)
    )
    FROM pg_class
    JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
    JOIN pg_type ON pg_type.oid = atttypid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
    UNION ALL
    SELECT relname, '', pg_get_constraintdef(pg_constraint.oid)
    FROM pg_class JOIN pg_constraint ON conrelid = pg_class.oid
    WHERE relnamespace = current_schema()::regnamespace AND contype IN ('c', 'f', 'p', 'u', 'x')
    UNION ALL
    SELECT relname, '', CASE WHEN indisunique THEN 'UNIQUE ' ELSE '' END
        || regexp_replace(pg_get_indexdef(indexrelid), '^.*? USING ', 'INDEX USING ')
    FROM pg_class JOIN pg_index ON indrelid = pg_class.oid
    WHERE relnamespace = current_schema()::regnamespace
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
"""
_COUNTED = """
    SELECT relname, CASE
        WHEN tgname = 'revised' THEN format('SELECT confd_revised(%L)', relname)
        WHEN tgname = 'tally_inserted' THEN format('SELECT confd_tallied(%L)', relname)
        WHEN tgattr = '' THEN format('SELECT confd_part_of(%L, %L)', relname, substr(tgname, 9))
        ELSE format('SELECT confd_associated(%L, %L)', relname, substr(tgname, 9))
    END
    FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE relnamespace = current_schema()::regnamespace
        AND (tgname IN ('revised', 'tally_inserted') OR tgname LIKE 'revised\\_%' AND tgtype & 16 <> 0)
"""

# A % in it is one.
_AS_IT_IS = {"no_parameters": True}


def differences(engine: Engine, models: MetaData) -> list[str]:
    """A line for each thing that a model's table is in one place and not in the other.

    An index that the models lack, and that keeps nothing unique, is none.
    """
    with engine.connect() as connection:
        present = _facts(connection)
        for table, statement in connection.exec_driver_sql(_COUNTED, execution_options=_AS_IT_IS):
            present[table, statement] = statement
        with _made(connection, models):
            wanted = _facts(connection)
    for table in models.tables.values():
        wanted |= {(table.name, statement): statement for statement in counting(table)}
    names = {table.name for table in models.tables.values()}
    return sorted(_told(wanted, {key: fact for key, fact in present.items() if key[0].partition(".")[0] in names}))


def strangers(engine: Engine, models: MetaData) -> set[str]:
    """Names of the database's tables that are no model's."""
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return set(found.scalars()) - {table.name for table in models.tables.values()}


def _told(wanted: Facts, present: Facts) -> Iterator[str]:
    for key in wanted.keys() | present.keys():
        of, model, database = key[0], wanted.get(key), present.get(key)
        if model is None and database is not None:
            if not database.startswith("INDEX "):
                yield f"{of}: only the database has: {database}"
        elif database is None:
            yield f"{of}: only the model has: {model}"
        elif model != database:
            yield f"{of}: the model has: {model}; the database has: {database}"


def _facts(connection: Connection) -> Facts:
    """What the tables of the current schema are."""
    found: Facts = {}
    for table, column, words in connection.exec_driver_sql(_FACTS):
        found[(f"{table}.{column}", "") if column else (table, words)] = words
    return found


@contextmanager
def _made(connection: Connection, models: MetaData) -> Iterator[None]:
    """The models' tables in a schema of their own, which is the current one; what the tables use is still found."""
    usual = connection.scalar(text("SELECT current_schema()"))
    connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
    connection.exec_driver_sql(f"SET LOCAL search_path = {SCHEMA}, {usual}")
    for table in models.tables.values():
        connection.execute(CreateTable(table, include_foreign_key_constraints=[]))
    for table in models.tables.values():
        for key in table.foreign_key_constraints:
            connection.execute(AddConstraint(key, isolate_from_table=False))
        for index in table.indexes:
            connection.execute(CreateIndex(index))
    try:
        yield
    finally:
        connection.rollback()
