"""G6 on Dynamics under fire: every update has exactly one outcome, it is true, and nothing is written twice."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from connector.crm import Outcome, Update
from connector.crm.dynamics import Dynamics, Reading, Writing
from connector.sandbox.dataverse.known import APP_USER
from connector.sandbox.dataverse.schema import Ref
from tests.crm.asking_dynamics import Open
from tests.crm.organisation import Organisation

TROUBLE = ("throttled", "server_error", "sql_error", "dropped", "garbled")
SIZES = Reading(page=20, batch=6, ids=10, threads=3)


@pytest.fixture
def world(organisation: Organisation) -> Organisation:
    """Contacts and leads; every write to them leaves an audit."""
    organisation.inside.auditing = True
    organisation.sandbox.do("column", {"table": "contact", "add": "cx_Grade string 20"})
    organisation.sandbox.do("column", {"table": "lead", "add": "cx_Grade string 20"})
    return organisation


def ours(world: Organisation) -> Counter[str]:
    """How often we have written each row."""
    audits = world.inside.shelf("audit").rows()
    mine = [one for one in audits if one.values["userid"] == Ref("systemuser", APP_USER)]
    return Counter(ref.id for one in mine if isinstance(ref := one.values["objectid"], Ref))


def is_true(world: Organisation, outcome: Outcome, written: Counter[str]) -> bool:
    """Whether an outcome says what became of the row."""
    row = world.inside.row("contact", outcome.id) or world.inside.row("lead", outcome.id)
    if outcome.state == "unknown":
        return written[outcome.id] <= 1
    if outcome.state == "gone":
        return row is None
    stands = row is not None and row.values.get("cx_grade") == "A"
    return (stands, written[outcome.id]) == ((True, 1) if outcome.state == "written" else (False, 0))


def meddle(world: Organisation, ids: list[str], dice: random.Random) -> None:
    """Others edit and delete some, a plug-in refuses some, for a while or for good."""
    edited, deleted, refused, busy = (dice.sample(ids, 4) for _ in range(4))
    for table in ("contact", "lead"):
        world.sandbox.do("plugin", {"table": table, "ids": refused})
        for reason in ("SqlTimeout", "TooConcurrent"):
            world.sandbox.do("plugin", {"table": table, "ids": busy, "reason": reason, "times": 3})
    for id in edited:
        world.set("contact" if world.inside.row("contact", id) else "lead", id, department="x")
    for id in deleted:
        world.inside.delete("contact" if world.inside.row("contact", id) else "lead", id)


def opened(open_dynamics: Open, bulk: bool) -> Dynamics:
    crm = open_dynamics(read=SIZES, write=Writing(bulk="cx_", bulk_rows=16) if bulk else Writing())
    crm.priority = "backfill"
    return crm


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("bulk", [False, True])
def test_g6_every_update_has_one_outcome_that_is_true_and_is_written_at_most_once(
    open_dynamics: Open, world: Organisation, seed: int, bulk: bool
) -> None:
    """A third of all calls meet trouble. What is left is read and written again as the loop does, until all is said."""
    dice = random.Random(seed)
    ids = [*world.people(30), *(world.lead() for _ in range(10))]
    dice.shuffle(ids)
    crm = opened(open_dynamics, bulk)
    assert len(list(crm.read("contact", ids, ["cx_grade"]))) == 40
    meddle(world, ids, dice)
    world.sandbox.switch(chaos=0.35, chaos_of=TROUBLE, chance_seed=seed)

    outcomes = crm.write("contact", [Update(id, {"cx_grade": "A"}) for id in ids])

    world.sandbox.switch(chaos=0.0)
    assert [one.id for one in outcomes] == ids
    written = ours(world)
    assert [one for one in outcomes if not is_true(world, one, written) and not (bulk and one.state == "moved")] == []

    left = {one.id for one in outcomes if one.state in ("moved", "unknown", "deferred")}
    stands = {one.id for one in crm.read("contact", sorted(left), ["cx_grade"]) if one.properties["cx_grade"] == "A"}
    again = crm.write("contact", [Update(id, {"cx_grade": "A"}) for id in sorted(left - stands)])

    assert {one.state for one in again} <= {"written", "rejected", "moved"}  # moved: not read, so gone
    assert set(ours(world).values()) == {1}
