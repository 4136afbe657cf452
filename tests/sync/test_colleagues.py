"""Who is on a deal together: the record of each names the role that nobody there has, whoever of them was read."""

from __future__ import annotations

import pytest

from tests.sync.conftest import Build
from tests.sync.world import World

MISSING = "cx_buying_group_missing"
DEAL = "70"


def _two_on_a_deal(build: Build, *, page: int = 100) -> World:
    """Two people who use it and nobody who pays, on one open deal."""
    world = build(page=page)
    world.person("1", jobtitle="Process Engineer")
    world.deal(DEAL, "1", "appointmentscheduled")
    world.person("2", jobtitle="Shift Supervisor")
    world.link("deal", DEAL, "contact", "2")
    return world


def _says(world: World, *ids: str) -> list[str | None]:
    return [world.properties(id).get(MISSING) for id in ids]


@pytest.mark.parametrize("page", [1, 2, 100])
def test_everybody_on_an_open_deal_reads_which_role_is_missing(build: Build, page: int) -> None:
    """In words and never as a share, the same on each record however they were read; a second run writes nothing."""
    world = _two_on_a_deal(build, page=page)
    ledger = world.ledger()
    world.sync(ledger)
    writes = world.writes
    world.sync(ledger)

    assert _says(world, "1", "2") == ["no economic buyer", "no economic buyer"]
    assert world.writes == writes


def test_a_colleague_s_new_title_is_news_for_the_others_on_the_deal(build: Build) -> None:
    """Only the second record was touched, and the first one follows, in the same run and for good."""
    world = _two_on_a_deal(build)
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    world.edit("2", {"jobtitle": "Chief Operating Officer"})
    world.sync(ledger)
    writes = world.writes
    world.sync(ledger)

    assert _says(world, "1", "2") == [None, None]
    assert world.writes == writes


def test_a_colleague_s_other_news_looks_at_nobody_else(build: Build) -> None:
    """A new telephone number says nothing of a role."""
    world = _two_on_a_deal(build)
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    world.edit("2", {"phone": "5"})

    assert world.sync(ledger).counts["looked_at"] == 1


@pytest.mark.parametrize("known", [False, True], ids=["a stranger", "somebody known"])
def test_whoever_joins_the_deal_fills_a_role_for_all(build: Build, known: bool) -> None:
    """The new link is met where the person is read, whether they are new themselves or not."""
    world = _two_on_a_deal(build)
    if known:
        world.person("3")
    ledger = world.ledger()
    world.sync(ledger)
    world.clock.pass_by(minutes=10)
    if not known:
        world.person("3")
    world.link("deal", DEAL, "contact", "3")
    world.edit("3", {"city": "Warsaw"})
    world.sync(ledger)

    assert _says(world, "1", "2", "3") == [None, None, None]


def test_whoever_leaves_takes_the_role_along(build: Build) -> None:
    """A deleted contact is on no deal any more."""
    world = _two_on_a_deal(build)
    world.person("3")
    world.link("deal", DEAL, "contact", "3")
    ledger = world.ledger()
    world.sync(ledger)
    before = _says(world, "1", "2")
    world.clock.pass_by(minutes=10)
    world.delete("3")
    world.sync(ledger)

    assert (before, _says(world, "1", "2")) == ([None, None], ["no economic buyer", "no economic buyer"])


def test_unknown_is_not_no_on_a_deal(build: Build) -> None:
    """Somebody whose title nobody knows may be the one who pays."""
    world = _two_on_a_deal(build)
    world.person("3", jobtitle="")
    world.link("deal", DEAL, "contact", "3")
    world.sync(world.ledger())

    assert _says(world, "1", "3") == ["economic buyer not known", "economic buyer not known"]


def test_a_closed_deal_asks_for_nobody(build: Build) -> None:
    """Won or lost: the group is of no use any more."""
    world = build()
    world.person("1", jobtitle="Process Engineer")
    world.deal(DEAL, "1", "closedwon")
    world.sync(world.ledger())

    assert _says(world, "1") == [None]
