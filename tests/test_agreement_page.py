"""docs/agreement.md stays true: its examples load as one agreement, its person comes out as told, no key is missing."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from connector.agreement import Agreement, load_agreement
from connector.agreement.examples import load_examples, run_examples
from connector.agreement.shapes.base import ConditionShape
from connector.agreement.vocabulary import OUTPUTS
from connector.config import shipped_mappings
from connector.decide import Decider
from tests.agreement.walking import CHOSEN, Walked, keys

PAGE = (Path(__file__).parents[1] / "docs" / "agreement.md").read_text(encoding="utf-8")

#: Said beside the example rather than in it: one that older files may hold, and one that only another CRM has.
IN_WORDS = {("agreement.toml", "on"), ("hubspot.toml", "lead")}


def files() -> dict[str, str]:
    """The examples by file, put together."""
    found: dict[str, str] = defaultdict(str)
    for name, text in re.findall(r"```toml\n# (\S+\.toml)\n(.*?)```", PAGE, re.DOTALL):
        found[name] += text
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agreement of the page on disk."""
    folder = tmp_path_factory.mktemp("page") / "mappings"
    folder.mkdir()
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8")
    shutil.copytree(shipped_mappings() / "lists", folder / "lists")
    return folder


@pytest.fixture(scope="module")
def agreement(folder: Path) -> Agreement:
    """It loads, or every mistake on the page is told."""
    return load_agreement(folder, "hubspot")


def test_the_person_of_the_page_comes_out_as_the_page_says(folder: Path, agreement: Agreement) -> None:
    """Whoever copies the page has an agreement that does what it says."""
    verdicts = run_examples(load_examples(folder, agreement), Decider(agreement))

    assert [one.name for one in verdicts] == ["daria"]
    assert [one.differences for one in verdicts] == [()] * len(verdicts)


def test_every_key_of_every_file_is_shown(agreement: Agreement) -> None:
    """A key that is added tomorrow is missing on the page until somebody shows it."""
    tables = {name: tomllib.loads(text) for name, text in files().items()}
    shown, known = set(), set()
    for each in keys():
        name = _owned(each)
        if each.place.model.__name__ == "ExpectShape" and each.key in OUTPUTS:
            continue  # the page says that every output may be expected
        known.add(name)
        if any(each.key in table for table in _at(tables[each.place.file], each.place.header)):
            shown.add(name)
        if each.key in operators() and f"`{each.key} = " in PAGE:
            shown.add(name)
        told = f"`{each.key} = " in PAGE or f"\n[{each.key}." in PAGE
        if (each.place.file, each.key) in IN_WORDS and told:
            shown.add(name)

    assert sorted(known - shown) == []


def operators() -> set[str]:
    """The operators, which have a table of their own on the page."""
    return {field.alias or name for name, field in ConditionShape.model_fields.items()}


def _owned(each: Walked) -> tuple[str, str]:
    """A key by the shape that brings it in: one that several tables share is shown once."""
    owners = [
        one
        for one in each.place.model.__mro__
        if isinstance(one, type) and issubclass(one, BaseModel) and each.key in _names(one)
    ]
    return owners[-1].__name__, each.key


def _names(shape: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in shape.model_fields.items()}


def _at(table: Any, header: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Every table that stands at a header; a chosen name stands for any."""
    if isinstance(table, list):
        for one in table:
            yield from _at(one, header)
    elif isinstance(table, dict) and not header:
        yield table
    elif isinstance(table, dict):
        inside = table.values() if header[0] == CHOSEN else [table.get(header[0])]
        for one in inside:
            yield from _at(one, header[1:])
