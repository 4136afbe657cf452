"""docs/concepts.md stays true: every key, output, property and verb it names exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from pydantic import BaseModel

from connector.agreement import load_agreement
from connector.agreement.examples import ExamplesShape
from connector.agreement.shapes.lifecycle import AttemptsShape, LifecycleShape
from connector.agreement.shapes.paper import AgreementShape, TextsShape
from connector.agreement.shapes.scoring import (
    GroupShape,
    IcpShape,
    PersonasShape,
    RuleShape,
    ScoringShape,
    SignalsShape,
)
from connector.agreement.shapes.wiring import WiringShape
from connector.agreement.vocabulary import OUTPUTS
from connector.cli.app import app
from connector.config import shipped_mappings
from connector.crms import CRMS

FILES: dict[str, type[BaseModel]] = {
    "agreement.toml": AgreementShape,
    "attempts.toml": AttemptsShape,
    "examples.toml": ExamplesShape,
    "hubspot.toml": WiringShape,
    "icp.toml": IcpShape,
    "lifecycle.toml": LifecycleShape,
    "personas.toml": PersonasShape,
    "scoring.toml": ScoringShape,
    "signals.toml": SignalsShape,
    "texts.en.toml": TextsShape,
}
TABLE = Path(__file__).parents[1] / "docs" / "concepts.md"
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split("|")]
    for line in TABLE.read_text(encoding="utf-8").splitlines()
    if re.match(r"\| \d", line)
]


def named(cell: str) -> list[str]:
    """What stands in back quotes."""
    return re.findall(r"`([^`]+)`", cell)


def shapes_in(annotation: Any) -> list[type[BaseModel]]:
    """The tables a key may hold, however they are wrapped."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [shape for part in get_args(annotation) for shape in shapes_in(part)]


def exists(shapes: list[type[BaseModel]], keys: list[str]) -> bool:
    """Whether a dotted path leads somewhere; "*" is a name that the writer chooses."""
    if not keys:
        return True
    key, rest = keys[0], keys[1:]
    for shape in shapes:
        if issubclass(shape, ExamplesShape):
            return exists(shapes_in(shape.model_fields["root"].annotation), rest)
        if shape is GroupShape and key == "*":
            return exists([RuleShape], rest)
        fields = {field.alias or name: field.annotation for name, field in shape.model_fields.items()}
        if key in fields:
            chosen = rest[1:] if rest and rest[0] == "*" and _is_table(fields[key]) else rest
            return exists(shapes_in(fields[key]), chosen)
    return False


def _is_table(annotation: Any) -> bool:
    """Whether the keys are the writer's."""
    return getattr(annotation, "__origin__", None) is dict or any(map(_is_table, get_args(annotation)))


def verbs() -> set[str]:
    """Every verb, with the words after it."""
    command: Any = typer.main.get_command(app)
    found = set(command.commands)
    for name, verb in command.commands.items():
        found |= {f"{name} {inner}" for inner in getattr(verb, "commands", {})}
        found |= {
            f"{name} {choice}" for each in verb.params for choice in getattr(getattr(each, "type", None), "choices", ())
        }
    return found


def test_all_62_concepts_have_a_home() -> None:
    """Each number once, in order, with a kind and a place."""
    assert [int(row[0]) for row in ROWS] == list(range(1, 63))
    assert {row[2] for row in ROWS} == {"executable", "descriptive", "reported"}
    assert all(row[3] and row[7] for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_the_keys_of_a_concept_are_keys_of_the_files(row: list[str]) -> None:
    """A key that was renamed is renamed here."""
    for place in named(row[3]):
        file, path = place.split(": ")
        assert exists([FILES[file]], path.split(".")), place


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_what_a_concept_computes_is_written_where_the_table_says(row: list[str]) -> None:
    """The shipped mappings name these properties; a column of ours is called the same in both."""
    fields, columns = (load_agreement(shipped_mappings(), crm).wiring.fields["contact"] for crm in CRMS)
    outputs, hubspot, dynamics = (named(cell) for cell in row[4:7])

    assert set(outputs) <= set(OUTPUTS)
    assert hubspot == [fields[output].property for output in outputs]
    assert dynamics == [columns[output].property for output in outputs]
    assert [name for name in dynamics if name in hubspot] == [name for name in hubspot if name.startswith("cx_")]
    assert all(name.startswith("cx_") for name in dynamics)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_what_shows_a_concept_is_a_verb(row: list[str]) -> None:
    """Nobody is sent to a report that does not exist."""
    assert set(named(row[7])) <= verbs()


def test_everything_that_is_computed_for_the_record_is_in_the_table() -> None:
    """An output that no concept asks for would be a secret; the ones that only stamp or repeat are named here."""
    told = {output for row in ROWS for output in named(row[4])}

    assert set(OUTPUTS) - told <= {"combined_score", "scored_at", "call_back_on", "ask_next_2", "ask_next_3"}
