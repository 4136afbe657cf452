"""`--output json` prints one object, whose keys do not depend on how things went."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from connector.cli import planned, run, show
from connector.ledger import open_ledger
from connector.ledger.work import PlannedChange
from tests.cli.desk import Desk


def keys(desk: Desk, *words: str, code: int) -> set[str]:
    """The keys of the one object that a verb prints."""
    told = desk(*words, "--output", "json")
    assert told.code == code, told.err
    return set(told.json)


@pytest.mark.parametrize("verb", [("sync", "--yes"), ("plan",), ("backfill", "--yes")])
def test_a_script_finds_the_same_keys_however_a_run_ends(desk: Desk, verb: tuple[str, ...]) -> None:
    """Done, broken off in the middle, and refused before it began."""
    done = keys(desk, *verb, code=0)
    desk.sandbox.fault("answer", path="crm/objects", times=0, status=403, body={"category": "MISSING_SCOPES"})
    broken = desk(*verb, "--output", "json")
    desk.sandbox.faults.clear()
    desk.config.write_text("nonsense = 1\n")

    assert keys(desk, *verb, code=4) == done
    assert set(broken.json) == done
    assert (broken.code, broken.json["status"], broken.json["code"], broken.json["error"]) == (
        1,
        "failed",
        "scope",
        "Denied",
    )


def test_a_mistake_of_ours_is_an_object_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that asked for JSON is never left with nothing on stdout."""
    monkeypatch.setattr("connector.cli.running.session_for", lambda *_: 1 / 0)
    desk.capsys.readouterr()
    code = run(["sync", "--config", str(desk.config), "--output", "json"])
    told = json.loads(desk.capsys.readouterr().out)

    assert (code, told["status"], told["error"], told["run"]) == (1, "failed", "ZeroDivisionError", None)


def test_a_run_that_was_interrupted_has_the_keys_of_any_other(synced: Desk) -> None:
    """Killed, it left no report: its numbers are none, and not missing."""
    ledger = open_ledger(f"sqlite:///{synced.ledger}", "acme")
    now = datetime.now(UTC)
    ledger.runs.start("sync", "live", now, now, "")
    ledger.database.close()

    killed, done = synced("runs", "--output", "json").json["runs"]

    assert set(killed) == set(done)
    assert (killed["run"], killed["status"], killed["counts"]["written"]) == (2, "running", 0)


def changes(count: int) -> Iterator[PlannedChange]:
    """So many people who would change, each with a body of a few kilobytes."""
    for number in range(count):
        tasks: list[dict[str, Any]] = [{"rule": "demo"}] if number % 3 == 0 else []
        body = {"sets": [["stage", "lifecyclestage", "", "lead"]], "tasks": tasks, "text": f"{number}" * 500}
        yield PlannedChange(f"{number}", "scores", number % 2 == 0, False, float(number % 7), body)


def test_a_plan_of_any_size_is_gone_through_and_never_held() -> None:
    """Ten times the people take the same memory; the numbers are those of all, the first ones the most urgent."""
    peaks = []
    for count in (3_000, 30_000):
        tracemalloc.start()
        found = planned.gist(changes(count), 3)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert (found.people, found.tasks, found.causes["scores only"], found.touched["stage"]) == (
        30_000,
        10_000,
        30_000,
        30_000,
    )
    assert [(one.counted, one.urgency) for one in found.first] == [(True, 6.0)] * 3
    assert [one.person_id for one in found.first] == sorted(
        one.person_id for one in changes(30_000) if one.counted and one.urgency == 6.0
    )[:3]
    assert peaks[1] < 2 * peaks[0]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_an_object_that_is_written_in_parts_is_the_object(count: int) -> None:
    """With a list, or with an object of its own, of nothing, one, or many."""
    items = [orjson.dumps({"id": number}) for number in range(count)]
    named = [orjson.dumps(f"{number}") + b": " + item for number, item in enumerate(items)]

    a_list = json.loads(b"".join(show.object_with({"run": 1}, "changes", "[]", items)))
    an_object = json.loads(b"".join(show.object_with({"run": 1}, "changes", "{}", named)))

    assert a_list == {"run": 1, "changes": [{"id": number} for number in range(count)]}
    assert an_object == {"run": 1, "changes": {f"{number}": {"id": number} for number in range(count)}}
