"""G6 at the edge: whatever an adapter answers, each input has one outcome, or nothing is believed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from connector.crm import Outcome, Task, Update, accounting
from connector.errors import Unaccounted

Outcomes = list[Outcome]
SENT = [Update(id_, {"city": "Oslo"}) for id_ in ("1", "2", "3")]
TASKS = [Task(id_, "Call", "", datetime(2026, 3, 31, tzinfo=UTC), "HIGH", None) for id_ in ("1", "2")]


def telling(answer: Callable[[Outcomes], Outcomes]) -> Any:
    """An adapter that does as it is told, and tells it otherwise."""

    def write(_kind: str, updates: Sequence[Update]) -> Outcomes:
        return answer([Outcome(one.id, "written") for one in updates])

    def create_tasks(tasks: Sequence[Task], _about_to_send: Any) -> Outcomes:
        return answer([Outcome(f"t{number}", "written") for number in range(len(tasks))])

    return SimpleNamespace(write=write, create_tasks=create_tasks)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda told: told[1:], "missing 1"),
        (lambda told: [], "missing 1, 2, 3"),
        (lambda told: [told[0], told[0], told[2]], "missing 2; unasked 1"),
        (lambda told: [*told, Outcome("77", "written")], "unasked 77"),
        (lambda told: [*told, told[0]], "unasked 1"),
        (lambda told: told[::-1], "not in the order"),
    ],
)
def test_lesson_22_g6_updates_and_outcomes_add_up(wrong: Callable[[Outcomes], Outcomes], said: str) -> None:
    """Lost, doubled, invented, in another order: said with the ids, and nothing comes back."""
    with pytest.raises(Unaccounted, match=said):
        accounting.write(telling(wrong), "contact", SENT)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda told: told[1:],
        lambda told: [*told, told[0]],
        lambda told: [told[0], told[0]],
        lambda told: [Outcome("", "written"), told[1]],
        lambda told: [],
    ],
)
def test_g6_each_created_task_has_an_id_of_its_own(wrong: Callable[[Outcomes], Outcomes]) -> None:
    """As many outcomes as tasks, and no created one without a name."""
    with pytest.raises(Unaccounted, match="2 tasks went out"):
        accounting.create_tasks(telling(wrong), TASKS, lambda _number: None)


def test_what_adds_up_passes_as_it_is() -> None:
    """Refused and unknown ones among them; writing nothing asks nobody."""
    mixed = telling(lambda told: [told[0], Outcome("2", "rejected", code="refused"), Outcome("3", "unknown")])
    lost = telling(lambda told: [told[0], Outcome("", "unknown", code="no_answer")])

    assert [one.state for one in accounting.write(mixed, "contact", SENT)] == ["written", "rejected", "unknown"]
    assert [one.id for one in accounting.create_tasks(lost, TASKS, lambda _number: None)] == ["t0", ""]
    assert accounting.write(None, "contact", []) == []  # type: ignore[arg-type]  # nobody is asked
