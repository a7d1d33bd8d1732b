"""Which context imported users get where their file names none."""

from typing import Any

import click
import pytest

from confd_worker.cli.import_context import fill_contexts, ranges


class Contexts:
    """Stands for a client of a system that has these contexts, as (name, label)."""

    def __init__(self, *present: tuple[str, str]) -> None:
        self.present = [{"name": name, "label": label} for name, label in present]
        self.made: list[Any] = []

    def call(self, method: str, **arguments: Any) -> Any:
        if method == "contexts.create":
            self.made.append(arguments["body"])
            return {"name": "ctx-new"}
        return {"items": [each for each in self.present if arguments.items() <= each.items()]}


@pytest.mark.parametrize(
    ("row", "filled"),
    [
        ({"firstname": "Zoé"}, {}),
        ({"exten": "1001"}, {"context": "ctx-a"}),
        ({"line_protocol": "sip", "context": ""}, {"context": "ctx-a"}),
        ({"voicemail_number": "1001"}, {"voicemail_context": "ctx-a"}),
        ({"exten": "1001", "context": "ctx-b", "voicemail_number": "1001"}, {"voicemail_context": "ctx-b"}),
        ({"exten": "1001", "context": "ctx-b", "voicemail_number": "1", "voicemail_context": "ctx-c"}, {}),
    ],
)
@pytest.mark.parametrize("wanted", ["internal", "ctx-a"])
def test_what_is_needed_and_empty_is_filled(row: dict[str, str], filled: dict[str, str], wanted: str) -> None:
    client = Contexts(("ctx-a", "internal"), ("ctx-b", "other"))
    expected = row | filled
    fill_contexts(client, [row], wanted)  # type: ignore[arg-type]
    assert row == expected
    assert client.made == []


def test_a_label_that_is_not_there_makes_a_context_for_the_extens() -> None:
    client, rows = Contexts(), [{"exten": "1020"}, {"exten": "1003"}, {"exten": "77"}, {"exten": "_X."}]
    fill_contexts(client, rows, "Paris")  # type: ignore[arg-type]
    assert {row["context"] for row in rows} == {"ctx-new"}
    held = [{"start": "77", "end": "77"}, {"start": "1003", "end": "1020"}]
    assert client.made == [{"label": "Paris", "type": "internal", "user_ranges": held}]


@pytest.mark.parametrize(
    ("wanted", "told"), [("internal", "2 contexts are called internal; take a name: ctx-a, ctx-b"), ("ctx-z", "ctx-z")]
)
def test_what_could_be_another_context_is_refused(wanted: str, told: str) -> None:
    client = Contexts(("ctx-a", "internal"), ("ctx-b", "internal"))
    with pytest.raises(click.ClickException, match=told):
        fill_contexts(client, [{"exten": "1001"}], wanted)  # type: ignore[arg-type]
    assert client.made == []


def test_extens_that_no_range_can_hold_make_none() -> None:
    assert ranges(["", "*98", "1" * 17, "٣"]) == []
