"""
Twenty real kills on HubSpot and a few on Dynamics (G2, lessons 11 and 23): a connector process, a sandbox process,
SIGKILL.

All of them are made by `make crash`, which writes docs/crash-matrix.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kills.house import House, house
from tests.kills.matrix import (
    KINDS,
    LARGE,
    MOST_REPEATED,
    TABLE,
    Death,
    Row,
    Undisturbed,
    broken,
    die,
    table,
    undisturbed,
)
from tests.kills.places import DYNAMICS
from tests.sync.crashing import EVERYTHING

PEOPLE, PAGE = 24, 8

#: Where writing is: updates of people, and the creation of tasks.
WRITES = (("batch/update$", 1), ("batch/update$", 2), ("objects/[^/]*/tasks$", 1), ("objects/[^/]*/tasks$", 2))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One account and one nursery for all of these."""
    with house(tmp_path_factory.mktemp("house"), PEOPLE, PAGE) as made:
        yield made


def test_g2_lesson_11_lesson_23_twenty_real_kills_heal(built: House) -> None:
    """Before and after each kind of write of a first and of an incremental run, and on the way through a backfill."""
    deaths: list[Death] = []
    for kind in KINDS:
        if kind.name == "backfill":  # of the account in which the incremental run was killed
            built.again()
        else:
            kind.prepare(built, PEOPLE)
        calm = undisturbed(built, kind)
        places = [("", calm.calls * part // 5) for part in (1, 2)] if kind.name == "backfill" else list(WRITES)
        for path, number in places:
            for action in ("kill_before", "kill_after"):
                fault = {"action": action, "path": path, "nth": number}
                deaths.append(die(built, kind, calm, fault=fault, silence=action == "kill_after"))
        built.again()

    assert [(death.where, death.wrong) for death in deaths if death.wrong] == []
    assert [death.where for death in deaths if not death.died] == []
    assert len(deaths) == 20


def test_g2_lesson_11_lesson_23_real_kills_on_dynamics_heal(tmp_path: Path) -> None:
    """After the first task was made; `make crash` also after the last batch of updates was applied."""
    kind = KINDS[0]
    with house(tmp_path, 14, PAGE, DYNAMICS) as built:
        kind.prepare(built, 14)
        calm = undisturbed(built, kind)
        faults = (
            {"action": "kill_after", "path": r"/tasks\(", "nth": 1},
            *[{"action": "kill_after", "path": r"\$batch", "nth": calm.batches}] * EVERYTHING,
        )
        deaths = [die(built, kind, calm, fault=fault, silence=place == 0) for place, fault in enumerate(faults)]

    assert [(death.where, death.wrong) for death in deaths if death.wrong] == []
    assert [death.where for death in deaths if not death.died] == []


@pytest.mark.parametrize(
    ("people", "repeated", "wrong", "told"),
    [
        (LARGE, MOST_REPEATED, (), 0),
        (LARGE, MOST_REPEATED + 0.001, (), 1),
        (LARGE - 1, 1.0, (), 0),
        (LARGE - 1, 0.0, ("blank stages: 1",), 1),
        (LARGE, 1.0, ("blank stages: 1",), 2),
    ],
)
def test_a_kill_that_costs_too_much_fails_like_a_law_that_did_not_hold(
    people: int, repeated: float, wrong: tuple[str, ...], told: int
) -> None:
    """`make crash` ends with 1 for either; of a few people the share says nothing."""
    row = Row("first run", people, "a timer", Undisturbed(100, 5, 1.0, {}), [Death("x", True, wrong, 9, repeated)])
    assert len(list(broken(row))) == told


def test_the_committed_table_is_one_of_at_least_two_hundred_kills_that_all_healed() -> None:
    """It is what `make crash` wrote, with as many lines as it writes."""
    text = TABLE.read_text(encoding="utf-8")
    calm = Undisturbed(10, 5, 1.0, {})
    made = table([Row("first run, hubspot", 40, "a timer", calm, [Death("x", True, (), 5, 0.0)])])
    assert text.split("\n\n20")[0] == made.split("\n\n20")[0]
    lines = [
        line.split("|")[1:-1] for line in text.splitlines() if line.startswith(("| first", "| incr", "| backfill"))
    ]
    kills, healed, doubles, blanks = ([int(line[place]) for line in lines] for place in (3, 4, 5, 6))
    assert len(lines) == 9
    assert sum(kills) >= 200
    assert (healed, doubles, blanks) == (kills, [0] * 9, [0] * 9)
    assert all(float(line[-1].strip().rstrip("%")) <= 5 for line in lines if int(line[1].replace(",", "")) >= LARGE)
