"""
The crash matrix in one process (G2, lessons 11 and 16): every state a dying run may leave behind is healed.

`docs/crash-matrix.md` is the table of the real kills; tests/kills/test_kills.py makes some of them.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from connector.sandbox import Sandbox
from connector.sandbox.dataverse import DataverseSandbox
from connector.sync import Order
from tests.sync.crashing import EVERYTHING, Crash, Fuse, dying, moments
from tests.sync.deaths import Life, State, log_of
from tests.sync.lives import SCENARIOS, Scenario
from tests.sync.places import over_http
from tests.sync.world import World

#: Long enough for a lease to end, and for a task that may be under way to have settled.
LATER = 10

#: The CRMs that are called over HTTP, by their fixtures.
PLACES = ("hubspot", "dynamics")


def _life(scenario: Scenario, folder: Path, sandbox: Sandbox | DataverseSandbox | None = None) -> Life:
    folder.mkdir(exist_ok=True)
    world = World(folder) if sandbox is None else over_http(folder, sandbox)
    scenario.settings(world)
    life = Life(world, world.ledger())
    scenario.happens(life)
    return life


def _heal(life: Life, state: State, scenario: Scenario) -> None:
    """The next run, or the same command again; the clock it decides by is the one of the run that died."""
    order = scenario.order(life)
    life.world.clock.pass_by(minutes=LATER)
    life.run(Order("sync", state.at) if scenario.heals else order)


def _laws(life: Life, state: State, expected: tuple[object, object]) -> None:
    """The end of an undisturbed life, to the last row of the log; nothing open, nothing on its way."""
    assert life.world.state() == expected[0], state.tells
    assert log_of(life.ledger) == expected[1], state.tells
    assert life.ledger.work.open_clears() == [], state.tells
    assert {one.state for id in life.world.contacts() for one in life.ledger.outbox.of(id)} <= {"created"}


def _silence(life: Life, state: State) -> None:
    """The run after healing writes nothing."""
    writes = life.world.writes
    report = life.run(Order("sync", state.at))
    assert (life.world.writes, report.counts["written"]) == (writes, 0), f"after {state.tells}"


def _heals(life: Life, state: State, scenario: Scenario, expected: tuple[object, object]) -> None:
    _heal(life, state, scenario)
    _laws(life, state, expected)


def _around_writes(states: list[State]) -> list[State]:
    """Those in which the CRM holds something new, and each one's successor."""
    pairs = itertools.pairwise(states)
    chosen = {place for place, (before, after) in enumerate(pairs, start=1) if before.crm != after.crm}
    return [one for place, one in enumerate(states) if place in chosen or place - 1 in chosen]


def _dies_and_heals(scenario: Scenario, life: Life, *, everything: bool = True) -> None:
    """Heal every state that the run meets, or those around each change in the CRM."""
    states = life.deaths(scenario.order(life))
    _heal(life, states[-1], scenario)
    expected = life.world.state(), log_of(life.ledger)
    assert len(states) >= scenario.states
    assert len({state.crm for state in states}) > 1

    silent: set[str] = set()
    for state in states if everything else _around_writes(states):
        life.back_to(state)
        _heals(life, state, scenario, expected)
        if (end := life.digest(whichever_run=True)) not in silent:  # from this very end, silence is proven already
            _silence(life, state)
            silent.add(end)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name.replace(" ", "_"))
def test_g2_lesson_11_a_run_killed_at_any_moment_is_healed_by_the_next(tmp_path: Path, scenario: Scenario) -> None:
    """Whatever it was doing: it ends as an undisturbed one, to the last row of the log, and then nothing is written."""
    _dies_and_heals(scenario, _life(scenario, tmp_path / "life"))


@pytest.mark.parametrize("name", ["first run", "stages go back"] if EVERYTHING else ["first run"])
def test_g2_an_exception_at_any_call_or_commit_leaves_a_state_that_heals(tmp_path: Path, name: str) -> None:
    """Whatever unwinds on the way out, what is left is one of the states that the test above has healed; or one more,
    where several threads were reading, and that one is healed here."""
    scenario = next(one for one in SCENARIOS if one.name == name)
    life = _life(scenario, tmp_path / "life")
    begin, healed = life.state(), {life.digest()}
    life.watch(lambda _: healed.add(life.digest()), scenario.order(life))
    expected = life.world.state(), log_of(life.ledger)

    for number, moment in moments():
        life.back_to(begin)
        try:
            with dying(life.world, life.ledger, Fuse(number, moment)) as crm:
                life.run(scenario.order(life), crm)
        except Crash:
            if (digest := life.digest()) not in healed:
                _heals(life, life.state(f"{moment} point {number}"), scenario, expected)
                healed.add(digest)
        else:
            assert number > 50
            return


def _narrow(world: World) -> None:
    """An agreement that reads people, companies and two signals: few calls, so that it can die at each."""
    whole, kinds = world.agreement, ("contact", "company")
    wiring = replace(
        whole.wiring,
        fields={kind: whole.wiring.fields[kind] for kind in kinds},
        signals=tuple(one for one in whole.wiring.signals if one.signal in ("demo_request", "pricing_page")),
    )
    used = {kind: whole.fields_used[kind] for kind in kinds}
    world.agreement = replace(whole, wiring=wiring, fields_used=used)


def _two_people(life: Life) -> None:
    """One is handed over: a stage moves and a task is made. The other gets scores."""
    for id in ("1", "2"):
        life.world.person(id)
    life.world.asked_for_demo("1")


#: The least in which everything happens that a run does to people.
SMALL = Scenario("two people", _two_people, lambda life: Order("sync", life.world.clock()), 30, settings=_narrow)


def test_g2_lesson_11_an_exception_at_every_call_on_the_wire_and_every_commit_is_healed(
    tmp_path: Path, hubspot: Sandbox
) -> None:
    """Every request of a first run on HubSpot, before it is sent and after it was answered, and every commit, before
    and after it: none is left out."""
    life = _life(SMALL, tmp_path / "life", hubspot)
    begin, healed = life.state(), set[str]()
    with dying(life.world, life.ledger, counting := Fuse(-1, "never")) as crm:
        life.run(SMALL.order(life), crm)
    _heal(life, life.state("the end"), SMALL)
    expected = life.world.state(), log_of(life.ledger)
    assert life.world.handed_over() == ["1"]
    assert life.world.properties("1")["lifecyclestage"] == "marketingqualifiedlead"
    assert counting.met >= SMALL.states

    died = 0
    for number, moment in itertools.product(range(counting.met), ("before", "after")):
        life.back_to(begin)
        try:
            with dying(life.world, life.ledger, Fuse(number, moment)) as crm:
                life.run(SMALL.order(life), crm)
        except Crash:
            died += 1
        if (digest := life.digest()) not in healed:
            _heals(life, life.state(f"{moment} point {number}"), SMALL, expected)
            healed.add(digest)
    assert died == 2 * counting.met


#: What is died in over real HTTP by `make check`; `make crash` takes more.
OVER_HTTP = (("hubspot", "stages go back"), ("dynamics", "first run"))


@pytest.mark.parametrize(
    ("on", "name"),
    [*itertools.product(PLACES, ("first run", "incremental run", "stages go back"))] if EVERYTHING else OVER_HTTP,
)
def test_g2_lesson_11_over_http_a_run_killed_around_any_write_is_healed(
    tmp_path: Path, on: str, name: str, request: pytest.FixtureRequest
) -> None:
    """Every state after the CRM applied something, and the one after the commit that follows."""
    scenario = next(one for one in SCENARIOS if one.name == name)
    life = _life(scenario, tmp_path / "life", request.getfixturevalue(on))
    _dies_and_heals(scenario, life, everything=EVERYTHING)


@pytest.mark.parametrize("on", ["memory", "hubspot"])
def test_g5_lesson_16_killed_between_clear_and_set_nobody_stays_blank(
    tmp_path: Path, on: str, request: pytest.FixtureRequest
) -> None:
    """Exactly while somebody has no stage: the next run fills it before it does anything else, however urgent that
    is."""
    scenario = next(one for one in SCENARIOS if one.name == "stages go back")
    hubspot = request.getfixturevalue("hubspot") if on == "hubspot" else None
    life = _life(scenario, tmp_path / "life", hubspot)
    blank: list[tuple[State, str]] = []
    for state in life.deaths(scenario.order(life)):
        life.back_to(state)
        blank += [(state, id) for id, one in life.world.contacts().items() if not one.get("lifecyclestage")]
    assert {id for _, id in blank} == {"1", "2"}

    for state, id in blank:
        life.back_to(state)
        life.world.person("3")
        life.world.asked_for_demo("3")
        life.world.clock.pass_by(minutes=LATER)
        after: list[int] = []
        seen = life.world.writes

        def changed(_: str, id: str = id, after: list[int] = after, seen: int = seen) -> None:
            if not after and life.world.properties(id).get("lifecyclestage") == "lead":
                after.append(life.world.writes - seen)

        life.watch(changed, Order("sync", life.world.clock()))
        assert "3" in life.world.handed_over(), state.tells
        assert after[0] <= len({one for then, one in blank if then is state}), state.tells  # nothing else came before
        assert life.ledger.work.open_clears() == []
