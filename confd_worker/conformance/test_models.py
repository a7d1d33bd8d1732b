"""The database after all migrations is what the models say: the worker's own, and those of plugins."""

from importlib.metadata import entry_points

import pytest
from sqlalchemy import Engine

from ..migrate import ENTRY_POINTS
from ..models.base import Base
from .tables import differences, strangers

WITHOUT_MODEL = {"alembic_version": "tells which migrations of the worker were run"}
"""Tables that have no model, with the reason."""
for _plugin in entry_points(group=ENTRY_POINTS):
    WITHOUT_MODEL[f"{_plugin.name}_version"] = "tells which migrations of the plugin were run"

ADVICE = """\
The database after all migrations is not what the models say.
Where the database is right, change the model; where the model is right, add a migration."""


def test_the_tables_are_as_the_models_say(engine: Engine) -> None:
    found = differences(engine, Base.metadata)
    if found:
        pytest.fail("\n".join([ADVICE, *found]), pytrace=False)


def test_every_table_has_a_model(engine: Engine) -> None:
    unknown = strangers(engine, Base.metadata) - set(WITHOUT_MODEL)
    assert not unknown, "give each a model, or where no model needs to know it a Table in Base.metadata"
