"""G6: who is refused is kept with a reason, not tried blindly in every run, and comes back by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from connector.crm import Outcome, Update
from connector.ledger import Ledger
from connector.ledger.rejects import Reject
from connector.sync import Order, Report, mending, run
from tests.sync.conftest import Build
from tests.sync.test_scope import scope
from tests.sync.world import World


class Counting:
    """The CRM as it is, with the updates that went out noted, and answers put in its place for some people."""

    def __init__(self, world: World, answer: Callable[[Update], Outcome | None] = lambda _update: None) -> None:
        self._crm, self._answer = world.adapter(), answer
        self.sent: list[Update] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._crm, name)

    def write(self, kind: str, updates: Sequence[Update]) -> list[Outcome]:
        self.sent += updates
        told = {update.id: self._answer(update) for update in updates}
        passed = self._crm.write(kind, [update for update in updates if told[update.id] is None])
        by_id = {one.id: one for one in passed}
        return [told[update.id] or by_id[update.id] for update in updates]


def synced(world: World, ledger: Ledger, crm: Counting | None = None, **more: Any) -> tuple[Report, list[Update]]:
    """One run, and what it sent."""
    crm = crm or Counting(world)
    session = world.session(ledger, crm)
    session.definitions = more.get("definitions", "")
    report = run(session, Order("sync", world.clock()))
    session.crm.close()
    return report, crm.sent


def the_reject(ledger: Ledger) -> Reject:
    (one,) = ledger.rejects.every()
    return one


def test_g6_a_property_that_only_tells_is_left_out_and_the_rest_is_written(build: Build) -> None:
    """The option of one persona is gone: stage and task are written without it, and the reject names it alone."""
    world = build()
    world.person("1")
    world.asked_for_demo("1")
    world.takes_only("cx_persona", "daily_user")
    ledger = world.ledger()

    report, sent = synced(world, ledger)

    assert (report.status, report.counts["written"], report.set_aside) == ("partial", 1, {"value_not_allowed": 1})
    assert (world.properties("1")["lifecyclestage"], world.handed_over()) == ("marketingqualifiedlead", ["1"])
    assert "cx_persona" not in world.properties("1")
    assert [("cx_persona" in one.properties) for one in sent] == [True, False]
    assert (the_reject(ledger).names, the_reject(ledger).whole) == (("cx_persona",), False)
    (change,) = ledger.work.changes_of("1")
    assert (change.state, change.code) == ("written", "value_not_allowed")
    assert "written without cx_persona" in change.message


def test_g6_what_was_refused_is_not_sent_again_until_something_changes(memory: Build) -> None:
    """Neither by the next runs nor beside another change; the record's own change, the account's or time bring it."""
    world = memory()
    world.person("1")
    world.interested("1")
    world.takes_only("cx_persona", "daily_user")
    ledger = world.ledger()
    synced(world, ledger)

    world.clock.pass_by(minutes=10)
    report, sent = synced(world, ledger)
    assert (report.status, sent) == ("partial", [])
    ledger.mirror.mark_dirty(["1"])  # looked at for whatever reason
    assert synced(world, ledger)[1] == []
    world.clock.pass_by(minutes=10)
    world.edit("1", {"firstname": "Annabel", "cx_score_reasons": ""})
    report, sent = synced(world, ledger)
    assert any("cx_persona" in one.properties for one in sent)
    assert the_reject(ledger).attempts == 2
    world.takes_only("cx_persona")
    world.clock.pass_by(minutes=10)
    assert synced(world, ledger)[1] == []
    report, sent = synced(world, ledger, definitions="another option")
    assert [("cx_persona" in one.properties) for one in sent] == [True]
    assert (report.status, ledger.rejects.every()) == ("done", [])
    assert world.properties("1")["cx_persona"]


def test_g6_a_refused_stage_leaves_track_and_task_as_they_were(memory: Build) -> None:
    """Nothing of the decision counts as done; it waits an hour, then two, and then comes true once."""
    world = memory()
    world.person("1")
    world.asked_for_demo("1")
    world.takes_only("lifecyclestage", "subscriber", "lead")
    ledger = world.ledger()

    report, sent = synced(world, ledger)

    assert (report.counts["rejected"], report.counts["written"], world.handed_over()) == (1, 0, [])
    assert not any(name.startswith("cx_") for name in world.properties("1"))
    assert ledger.people.remember(["1"])["1"].tracks == ()
    assert (the_reject(ledger).names, the_reject(ledger).whole) == (("lifecyclestage",), True)
    world.clock.pass_by(minutes=10)
    world.saw("1", "list:Visited pricing", 0)  # another fact, the same stage: the same would be refused
    report, sent = synced(world, ledger)
    assert (report.counts["looked_at"], report.counts["rejected"], sent) == (1, 1, [])
    for minutes, sends in ((51, 1), (60, 0), (61, 1)):
        world.clock.pass_by(minutes=minutes)
        assert len(synced(world, ledger)[1]) == sends
    assert (the_reject(ledger).attempts, the_reject(ledger).next_at) == (3, world.clock() + timedelta(hours=4))
    world.takes_only("lifecyclestage")
    world.clock.pass_by(hours=5)
    report, sent = synced(world, ledger)
    assert (report.status, len(sent), world.handed_over()) == ("done", 1, ["1"])
    assert ledger.rejects.every() == []


def test_g6_a_reject_is_tried_at_once_when_somebody_asks(memory: Build) -> None:
    """As `connector rejects retry` does; the attempts count on."""
    world = memory()
    world.person("1")
    world.asked_for_demo("1")
    ledger = world.ledger()
    refuse = lambda update: Outcome(update.id, "rejected", code="collision", message="no")  # noqa: E731 - one place

    assert synced(world, ledger, Counting(world, refuse))[0].status == "partial"
    world.clock.pass_by(minutes=1)
    assert synced(world, ledger, Counting(world, refuse))[1] == []
    ledger.rejects.try_again("contact", ["1"], world.clock())
    assert len(synced(world, ledger, Counting(world, refuse))[1]) == 1
    assert the_reject(ledger).attempts == 2
    ledger.rejects.try_again("contact", ["1"], world.clock())
    assert (synced(world, ledger)[0].status, world.handed_over()) == ("done", ["1"])


def test_g6_a_refusal_without_a_reason_waits_until_more_than_scores_differ(memory: Build) -> None:
    """HubSpot named nothing: the same stage and task with an older score are the same attempt."""
    world = memory()
    world.person("1")
    world.interested("1")
    ledger = world.ledger()
    refuse = Counting(world, lambda update: Outcome(update.id, "rejected", code="refused", message="no"))
    synced(world, ledger, refuse)

    world.clock.pass_by(minutes=30)
    world.saw("1", "list:Read comparison guide", 0)
    assert synced(world, ledger)[1] == []
    world.asked_for_demo("1")
    world.clock.pass_by(minutes=10)
    assert (len(synced(world, ledger)[1]), world.handed_over()) == (1, ["1"])


def test_g6_a_refused_task_is_not_made_again_in_every_run(memory: Build) -> None:
    """The properties stand, the hand-off does not: the track waits with it."""
    world = memory()
    world.person("1")
    world.asked_for_demo("1")
    ledger = world.ledger()

    class NoTasks(Counting):
        asked = 0

        def create_tasks(self, tasks: Sequence[Any], about_to_send: Any) -> list[Outcome]:
            NoTasks.asked += len(tasks)
            return [Outcome("", "rejected", code="refused", message="no") for _ in tasks]

    report, _ = synced(world, ledger, NoTasks(world))
    assert (report.status, report.counts["rejected"], the_reject(ledger).names) == ("partial", 1, ("task",))
    world.clock.pass_by(minutes=10)
    ledger.mirror.mark_dirty(["1"])
    assert synced(world, ledger, NoTasks(world))[0].counts["rejected"] == 1
    assert (NoTasks.asked, world.handed_over()) == (1, [])
    world.clock.pass_by(hours=1)
    assert (synced(world, ledger)[0].status, world.handed_over()) == ("done", ["1"])


def test_g6_what_cannot_be_read_is_kept_out_of_every_decision(memory: Build) -> None:
    """Known well, then unreadable: a new fact moves nobody on the values of the past; mended, it does."""
    world = memory()
    world.person("1")
    ledger = world.ledger()
    synced(world, ledger)
    world.clock.pass_by(minutes=10)
    good = world.properties("1").get("cx_cycle", "")
    world.edit("1", {"annualrevenue": "3"})
    _break(world, "1")
    world.asked_for_demo("1")

    report, sent = synced(world, ledger)

    assert (report.counts["rejected"], sent, world.handed_over()) == (1, [], [])
    assert the_reject(ledger).unreadable
    world.clock.pass_by(minutes=10)
    ledger.mirror.mark_dirty(["1"])
    assert synced(world, ledger)[1] == []
    world.edit("1", {"cx_returned_count": good})
    world.clock.pass_by(minutes=10)
    assert (synced(world, ledger)[0].status, world.handed_over(), ledger.rejects.every()) == ("done", ["1"], [])


def _break(world: World, id: str) -> None:
    """A number property comes to hold a word, as an import or a changed type leaves it."""
    world.edit(id, {"cx_returned_count": "many"})


def test_g6_a_plan_shows_what_the_run_would_leave_out(memory: Build) -> None:
    """What is refused anyway stands in no plan, and a plan keeps nothing."""
    world = memory()
    world.person("1")
    world.asked_for_demo("1")
    world.takes_only("lifecyclestage", "subscriber", "lead")
    ledger = world.ledger()
    synced(world, ledger)
    before = the_reject(ledger)
    world.clock.pass_by(minutes=10)
    ledger.mirror.mark_dirty(["1"])

    session = world.session(ledger, Counting(world))
    report = run(session, Order("plan", world.clock(), write=False))
    session.crm.close()

    assert (report.counts["rejected"], report.counts["changed"]) == (1, 0)
    assert the_reject(ledger) == before


@pytest.mark.parametrize("how", ["deleted", "merged", "out of scope"])
def test_g6_nobody_stays_rejected_whom_nobody_can_mend(memory: Build, how: str) -> None:
    """Deleted, merged away, or none of this connection's people any more: the report is clean again."""
    world = memory()
    for id in ("1", "2"):
        world.person(id)
    world.asked_for_demo("1")
    ledger = world.ledger()
    refuse = Counting(world, lambda update: Outcome(update.id, "rejected", code="refused", message="no"))
    assert synced(world, ledger, refuse)[0].set_aside == {"refused": 2}
    world.clock.pass_by(hours=2)
    if how == "deleted":
        world.delete("1")
        world.delete("2")
    elif how == "merged":
        world.crm.merge("contact", "2", "1")
    world.person("3", mail="c@inside.example")
    session = world.session(ledger)
    if how == "out of scope":
        session.scope = scope({"email_domain": ("inside.example",)}, {})
    report = run(session, Order("sync", world.clock()))

    assert (report.status, report.set_aside) == ("done", {})


def test_g6_many_rejects_of_one_kind_are_told_once_until_they_are_mended(
    memory: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An option is missing in the account: one alert, however many runs meet it; over once the admin has added it. The
    run is no refusal of the guard."""
    monkeypatch.setattr(mending, "MANY", 4)
    world = memory()
    for number in range(1, 6):
        world.person(str(number))
    world.takes_only("cx_persona", "daily_user")
    ledger = world.ledger()

    first, again = world.sync(ledger), world.sync(ledger)

    assert (first.status, again.status) == ("partial", "partial")
    assert (len(first.alerts), again.alerts) == (1, [])
    assert "5 records are set aside, value_not_allowed" in first.alerts[0]
    (alert,) = ledger.aside.open_alerts()
    assert (alert.key, alert.people) == ("rejects:value_not_allowed", 5)
    world.takes_only("cx_persona")
    world.clock.pass_by(hours=2)
    world.sync(ledger)
    assert ledger.aside.open_alerts() == []
