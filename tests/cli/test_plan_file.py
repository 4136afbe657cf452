"""Plans on disk: read a person at a time, proved to be whole, and read as well when a program laid them out anew."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connector.cli import plan_file
from connector.errors import ConfigError
from connector.plan import Change, Set, from_json, to_json

AS_OF = datetime(2026, 3, 31, 12, tzinfo=UTC)


def body(id: str, after: str = "mql") -> dict[str, Any]:
    """One person's change as a plan keeps it."""
    return to_json(Change(id, (Set("stage", "lifecyclestage", "lead", after),), (), (), "scores", None, False))


def kept(file: Path, people: int, after: str = "mql") -> Path:
    """A plan for so many people."""
    session: Any = SimpleNamespace(
        ledger=SimpleNamespace(connection="acme"), account="4242", agreement=SimpleNamespace(fingerprint="f")
    )
    report: Any = SimpleNamespace(as_of=AS_OF, run=7)
    plan_file.write(file, session, report, ((str(id), body(str(id), after)) for id in range(1, people + 1)))
    return file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return kept(tmp_path / "plan.json", 3)


def test_what_was_kept_is_read_back_in_any_order(file: Path) -> None:
    """Header and people, whom one may ask for as of a mapping."""
    plan = plan_file.read(file)
    changes = plan["changes"]

    assert (plan["connection"], plan["run"], datetime.fromisoformat(plan["as_of"])) == ("acme", 7, AS_OF)
    assert (list(changes), len(changes), "2" in changes, changes.get("9")) == (["1", "2", "3"], 3, True, None)
    assert [from_json(changes[id]).person_id for id in ("3", "1", "2")] == ["3", "1", "2"]


def test_a_plan_for_nobody_is_a_plan(tmp_path: Path) -> None:
    """Nothing had to change."""
    assert len(plan_file.read(kept(tmp_path / "plan.json", 0))["changes"]) == 0


def test_the_people_of_a_plan_are_never_held_all_at_once(tmp_path: Path) -> None:
    """A file of twenty megabytes is read and gone through in two: on the way is one person at a time."""
    file = kept(tmp_path / "plan.json", 2000, after="x" * 10_000)
    tracemalloc.start()
    changes = plan_file.read(file)["changes"]
    seen = sum(1 for id, one in changes.items() if from_json(one).person_id == id)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert seen == 2000
    assert file.stat().st_size > 20_000_000
    assert peak < 2_000_000


def test_a_plan_that_a_program_laid_out_anew_is_the_same_plan(file: Path) -> None:
    """Indented otherwise, on one line, with a line at its end."""
    meant = {**plan_file.read(file)}
    meant["changes"] = {**meant["changes"]}
    for text in (json.dumps(meant, indent=4), json.dumps(meant), file.read_text() + "\n"):
        file.write_text(text)
        assert plan_file.read(file) == meant


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace('}},\n    "2"', '}}\n    "2"').replace('},\n    "2"', '}\n    "2"'),
        lambda text: text[: text.index('    "3"')],
        lambda text: text[:-2],
        lambda text: text.replace('    "2": ', '    "9": '),
        lambda text: text.replace('"person_id":"2",', ""),
    ],
    ids=["a comma is missing", "cut off", "not closed", "another id", "no id"],
)
def test_a_plan_that_is_not_whole_is_refused_before_anything_is_done(file: Path, spoil: Callable[[str], str]) -> None:
    """With the file, and how to make another one."""
    before = file.read_text()
    file.write_text(spoil(before))

    assert file.read_text() != before
    with pytest.raises(ConfigError, match=r"plan\.json.*connector plan -o FILE"):
        plan_file.read(file)


def test_a_file_that_is_another_one_by_now_is_refused(tmp_path: Path) -> None:
    """Somebody writes over it while it is being applied."""
    file = kept(tmp_path / "plan.json", 500)
    changes = plan_file.read(file)["changes"]
    file.write_bytes(b" " * file.stat().st_size)

    with pytest.raises(ConfigError, match="damaged"):
        changes["250"]


def test_g14_a_plan_names_whom_it_is_about_however_it_is_laid_out(file: Path, tmp_path: Path) -> None:
    """So that `forget` can tell which files are left."""
    for _ in range(2):
        assert plan_file.names(file, ("8", "2"))
        assert not plan_file.names(file, ("8", "9"))
        file.write_text(json.dumps(json.loads(file.read_text())))
    (tmp_path / "other.json").write_text('{"changes": {"2": 1}}')
    assert not plan_file.names(tmp_path / "other.json", ("2",))
