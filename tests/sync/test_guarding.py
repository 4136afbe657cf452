"""The guard of a run, whole (G8): who waits, for what, how it is told, and how it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from connector.config import Freeze, Quiet
from connector.errors import Deferred, GuardRefused
from connector.ledger.aside import Aside, SetAside
from connector.plan import Limits, TaskBudget
from connector.quiet import Quiet as QuietTimes
from connector.sync import Order, Report, guarding, run
from tests.sync.conftest import Build
from tests.sync.crashing import Crash
from tests.sync.world import AS_OF, World

TIGHT = Limits(changes_per_run=10, changes_per_day=100, max_share=1.0)
ALL_DAY = QuietTimes(Quiet(days=("tue",)), (), UTC)
NIGHT = QuietTimes(Quiet(begins=time(11), ends=time(14)), (), UTC)


def flood(world: World, people: int = 40) -> list[str]:
    """So many who all reach MQL at once, and only today: tomorrow the score has faded."""
    ids = [str(number) for number in range(100, 100 + people)]
    for id in ids:
        keen(world, id)
    return ids


def keen(world: World, id: str) -> None:
    """Exactly at the threshold."""
    world.person(id)
    world.interested(id)


def asking(world: World, *ids: str) -> None:
    """They asked for a demo, which is no less true tomorrow."""
    for id in ids:
        world.person(id)
        world.asked_for_demo(id)


def conserved(report: Report) -> bool:
    """Everybody looked at came to exactly one end."""
    ends = ("written", "unchanged", "held", "parked", "rejected", "gone", "unknown")
    return report.counts["looked_at"] == sum(report.counts[name] for name in ends)


def test_g8_a_flood_costs_the_next_runs_nothing(build: Build) -> None:
    """Set aside once: later runs look at nobody of it, and keep saying since when it waits."""
    world = build()
    flood(world)
    ledger = world.ledger()
    first = world.sync(ledger, limits=TIGHT)
    rows = sum(1 for _ in ledger.work.every(first.run))

    world.clock.pass_by(hours=1)
    later = world.sync(ledger, limits=TIGHT)

    assert (first.counts["parked"], rows, later.counts["looked_at"]) == (40, 40, 0)
    assert [(one["people"], one["since"][:16]) for one in later.parked] == [("40", "2026-03-31T12:00")]
    assert conserved(first)
    assert conserved(later)


def test_g8_a_flood_is_set_aside_a_few_at_a_time_and_yet_all_or_none(
    memory: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A changed rule may concern a million people: no more than a page of their changes is held in memory. Dead on
    the way, nobody of them waits, or the rest would pass for a few."""
    world = memory()
    flood(world)
    ledger = world.ledger()
    monkeypatch.setattr(guarding, "PAGE", 7)
    put, sizes = Aside.put, list[int]()

    def dies(self: Aside, found: Sequence[SetAside], now: datetime) -> None:
        sizes.append(len(found))
        if len(sizes) == 3:
            raise Crash
        put(self, found, now)

    monkeypatch.setattr(Aside, "put", dies)
    with pytest.raises(Crash):
        world.sync(ledger, limits=TIGHT)
    assert ledger.aside.every() == []
    report = world.sync(ledger, limits=TIGHT)

    assert (report.counts["parked"], report.counts["written"], len(ledger.aside.every())) == (40, 0, 40)
    assert max(sizes) == 7


def test_g8_one_alert_names_cause_and_count_once(build: Build) -> None:
    """In the report of the run that met it, open in the ledger until it is over, and never told again."""
    world = build()
    flood(world)
    ledger = world.ledger()

    reports = [world.sync(ledger, limits=TIGHT) for _ in range(3)]

    assert [len(one.alerts) for one in reports] == [1, 0, 0]
    assert "40 people" in reports[0].alerts[0]
    assert "stages.mql.enter_when" in reports[0].alerts[0]
    assert [one.people for one in ledger.aside.open_alerts()] == [40]
    world.sync(ledger, limits=Limits(1000, 1000, 1.0))
    assert ledger.aside.open_alerts() == []


def test_g8_somebody_whose_record_changes_is_looked_at_although_set_aside(build: Build) -> None:
    """Set aside is not forgotten: the title that changes takes the person out of the flood."""
    world = build()
    ids = flood(world)
    ledger = world.ledger()
    world.sync(ledger, limits=TIGHT)
    world.edit(ids[0], {"email": "somebody@gmail.com"})
    world.clock.pass_by(minutes=10)

    later = world.sync(ledger, limits=TIGHT)

    assert (later.counts["looked_at"], later.parked[0]["people"]) == (1, "39")


def test_g8_a_group_that_fits_the_budget_again_goes_on_by_itself(build: Build) -> None:
    """Yesterday's budget was spent; today there is room."""
    world = build()
    ledger = world.ledger()
    limits = Limits(changes_per_run=30, changes_per_day=30, max_share=1.0)
    asking(world, *(str(300 + number) for number in range(20)))
    world.sync(ledger, limits=limits)
    asking(world, *(str(400 + number) for number in range(20)))
    world.clock.pass_by(hours=1)
    spent = world.sync(ledger, limits=limits)

    world.clock.pass_by(hours=24)
    fresh = world.sync(ledger, limits=limits)

    assert (spent.counts["parked"], fresh.counts["parked"]) == (20, 0)
    assert len(world.handed_over()) == 40


def test_g8_the_rest_of_a_task_budget_waits_with_its_clock(build: Build) -> None:
    """Two places: the trial that also reads prices first; the others wait, visibly, and get tomorrow's places."""
    world = build()
    ledger = world.ledger()
    asking(world, "1", "2", "3", "9")
    world.saw("9", "list:Visited pricing", 0)
    budget = TaskBudget(per_owner_per_day=2, per_day=100)

    first = world.sync(ledger, tasks=budget)
    early = world.handed_over()
    world.clock.pass_by(hours=2)
    idle = world.sync(ledger, tasks=budget)
    waiting = ledger.aside.every("task_budget")
    world.clock.pass_by(hours=23)
    world.sync(ledger, tasks=budget)

    assert (len(early), "9" in early, first.counts["parked"]) == (2, True, 2)
    assert (idle.counts["parked"], idle.status) == (0, "partial")
    assert [(one.owner_id, one.since) for one in waiting] == [("77", AS_OF)] * 2
    assert world.handed_over() == ["1", "2", "3", "9"]
    assert ledger.aside.every() == []


def test_g8_lesson_37_quiet_hours_delay_stages_and_tasks_but_not_scores(build: Build) -> None:
    """Who is to be handed over waits until the hours are over; whose scores alone differ is written."""
    world = build()
    ledger = world.ledger()
    keen(world, "1")
    world.person("2")

    quiet = world.sync(ledger, quiet=NIGHT)
    silent = (world.handed_over(), world.properties("1").get("cx_stage"))
    scored = world.properties("2").get("cx_fit_score")
    world.clock.pass_by(hours=3)
    world.sync(ledger, quiet=NIGHT)

    assert (quiet.counts["parked"], silent) == (1, ([], None))
    assert scored is not None
    assert quiet.parked[0]["why"] == "quiet hours until 2026-03-31 14:00 UTC"
    assert world.handed_over() == ["1"]


def test_g8_a_fast_track_may_be_exempt_from_quiet_hours(build: Build) -> None:
    """A demo request at night is handed over at night, unless the file says otherwise."""
    world = build()
    world.person("1")
    world.asked_for_demo("1")
    strict = QuietTimes(Quiet(days=("tue",), except_fast_track=False), (), UTC)

    world.sync(world.ledger("strict"), quiet=strict)
    held_back = world.handed_over()
    world.sync(world.ledger("exempt"), quiet=ALL_DAY)

    assert (held_back, world.handed_over()) == ([], ["1"])


def test_g8_a_freeze_holds_for_reviewed_plans_too(build: Build) -> None:
    """Nothing is written before its end, whoever asks; after it, everything goes on by itself."""
    world = build()
    ledger = world.ledger()
    asking(world, "1")
    freeze = Freeze(begins=date(2026, 3, 30), ends=date(2026, 3, 31), reason="quarter's end")
    frozen = QuietTimes(Quiet(), (freeze,), UTC)
    world.sync(ledger, quiet=frozen)

    with pytest.raises(GuardRefused, match=r"quarter's end.*until 2026-04-01 00:00"):
        run(world.session(ledger, quiet=frozen), Order("apply", AS_OF, only=("1",), release=True))

    assert world.handed_over() == []
    world.clock.pass_by(days=1)
    world.sync(ledger, quiet=frozen)
    assert world.handed_over() == ["1"]


def test_g8_scores_that_only_aged_are_spread_over_runs(build: Build) -> None:
    """Ten people whose scores faded, four a run: nobody reviews that, and nobody is left out."""
    world = build()
    ledger = world.ledger()
    for number in range(10):
        world.person(str(number))
        world.saw(str(number), "list:Visited pricing", 1)
    world.sync(ledger)
    world.clock.pass_by(days=10)

    few = Limits(1000, 1000, 1.0, max_score_writes=4)
    counts = [world.sync(ledger, limits=few).counts for _ in range(4)]

    assert [one["written"] for one in counts] == [4, 4, 2, 0]
    assert ledger.aside.open_alerts() == []


def test_a_pause_stops_writes_at_once_and_resume_goes_on(build: Build) -> None:
    """Reading goes on, deciding waits; the message names the pause and the way on."""
    world = build()
    ledger = world.ledger()
    world.person("1")
    world.asked_for_demo("1")
    ledger.runs.pause(AS_OF, AS_OF + timedelta(hours=2), "migration")

    paused = world.sync(ledger)
    stopped = (world.writes, ledger.mirror.waiting())
    ledger.runs.resume()
    world.sync(ledger)

    assert (paused.status, stopped) == ("deferred", (0, 1))
    assert "paused until 2026-03-31 14:00 UTC (migration)" in paused.message
    assert "connector resume acme" in paused.message
    assert world.handed_over() == ["1"]


def test_a_pause_ends_by_itself(build: Build) -> None:
    """At its time, without anybody resuming."""
    world = build()
    ledger = world.ledger()
    world.person("1")
    ledger.runs.pause(AS_OF, AS_OF + timedelta(hours=2), "")
    world.clock.pass_by(hours=2)

    assert world.sync(ledger).status == "done"


@pytest.mark.parametrize("what", ["pause", "stop"])
def test_a_pause_or_stop_in_the_middle_ends_after_the_batch(build: Build, what: str) -> None:
    """The batch under way is written and recorded; the rest is decided anew later, once."""
    world = build()
    ledger = world.ledger()
    ids = flood(world, 6)
    session = world.session(ledger, write_chunk=2)

    def after_first(phase: str, done: int, total: int | None) -> None:
        del total
        if phase == "written" and done == 2:
            _halt(session, what)

    session.progress = after_first

    report = run(session, Order("sync", AS_OF))

    assert report.status == "deferred"
    assert (report.counts["written"], report.counts["unknown"]) == (2, 4)
    ledger.runs.resume()
    world.clock.pass_by(minutes=10)
    world.sync(ledger)
    assert world.handed_over() == sorted(ids)


def _halt(session: Any, what: str) -> None:
    if what == "pause":
        session.ledger.runs.pause(session.now(), None, "enough")
    else:
        session.stopping = lambda: True


def test_a_session_that_is_to_stop_raises_deferred(build: Build) -> None:
    """Whoever asks between batches is told, whether writing or not."""
    session = build().session(build("other").ledger())
    session.stopping = lambda: True

    with pytest.raises(Deferred, match="Stopped on request"):
        session.go_on()


def test_g8_quiet_hours_that_begin_while_writing_end_the_run(build: Build) -> None:
    """The batch under way is written; the next hand-off waits for the morning."""
    world = build()
    ledger = world.ledger()
    asking(world, "1", "2", "3")
    evening = QuietTimes(Quiet(begins=time(13), ends=time(8), except_fast_track=False), (), UTC)
    session = world.session(ledger, write_chunk=1, quiet=evening)

    def an_hour_later(phase: str, done: int, total: int | None) -> None:
        del total
        if (phase, done) == ("written", 1):
            world.clock.pass_by(hours=1)

    session.progress = an_hour_later

    report = run(session, Order("sync", AS_OF))

    assert (report.status, report.counts["written"], len(world.handed_over())) == ("deferred", 1, 1)
    assert "quiet hours until 2026-04-01 08:00 UTC" in report.message
    world.clock.pass_by(hours=20)
    world.sync(ledger, quiet=evening)
    assert world.handed_over() == ["1", "2", "3"]


def test_g8_lesson_37_a_flood_set_aside_does_not_trickle_through(build: Build) -> None:
    """Whoever of it is looked at because time passed goes on waiting for the review."""
    world = build()
    flood(world)
    ledger = world.ledger()
    world.sync(ledger, limits=TIGHT)

    for _ in range(12):
        world.clock.pass_by(hours=1)
        world.sync(ledger, limits=TIGHT)

    assert world.handed_over() == []


def test_g8_a_reviewed_release_takes_nobodys_place(build: Build) -> None:
    """Forty released on a budget of twenty a day: the next demo request is handed over all the same."""
    world = build()
    ids = flood(world)
    ledger = world.ledger()
    limits = Limits(changes_per_run=10, changes_per_day=20, max_share=1.0)
    world.sync(ledger, limits=limits)
    run(world.session(ledger, limits=limits), Order("apply", AS_OF, only=tuple(ids), release=True))
    asking(world, "1")
    world.clock.pass_by(minutes=10)

    report = world.sync(ledger, limits=limits)

    assert (report.tasks_created, report.parked) == (1, [])


def test_g8_a_release_is_of_those_whom_the_run_knew(build: Build) -> None:
    """Who was set aside later for the same cause is another run's affair."""
    world = build()
    flood(world, 20)
    ledger = world.ledger()
    first = world.sync(ledger, limits=TIGHT)
    for number in range(200, 230):
        keen(world, str(number))
    world.clock.pass_by(minutes=10)
    second = world.sync(ledger, limits=TIGHT)

    causes = ["stages.mql.enter_when"]

    assert len(ledger.aside.ids(causes, first.run)) == 20
    assert len(ledger.aside.ids(causes, second.run)) == 50


def test_g8_a_share_too_large_holds_up_its_largest_part_alone(build: Build) -> None:
    """Two hundred scores are to be overwritten; the demo request goes through."""
    world = build()
    ledger = world.ledger()
    for number in range(1000, 1210):
        world.person(str(number))
    world.sync(ledger)
    for number in range(1000, 1210):
        world.edit(str(number), {"jobtitle": "Student"})
    asking(world, "1")
    world.clock.pass_by(minutes=10)

    report = world.sync(ledger, limits=Limits(1000, 1000, 0.3))

    assert [one["cause"] for one in report.parked] == ["scores"]
    assert world.handed_over() == ["1"]


@pytest.mark.parametrize(
    "by_hand",
    [{"lifecyclestage": "customer"}, {"lifecyclestage": "salesqualifiedlead"}, {"hs_lead_status": "UNQUALIFIED"}],
)
def test_g4_what_people_set_while_only_scores_ran_is_their_word(build: Build, by_hand: dict[str, str]) -> None:
    """Scores for a while, an edit by hand, then live: a request of before the edit hands nobody over."""
    world = build()
    ledger = world.ledger()
    go_live = AS_OF - timedelta(hours=1)
    world.person("1")
    world.sync(ledger, mode="scores", go_live=go_live)
    world.asked_for_demo("1")
    world.clock.pass_by(hours=1)
    world.edit("1", by_hand)
    world.clock.pass_by(hours=1)
    world.sync(ledger, mode="scores", go_live=go_live)
    world.clock.pass_by(hours=1)

    world.sync(ledger, go_live=go_live)

    assert world.handed_over() == []
    assert by_hand.items() <= world.properties("1").items()


def test_g15_who_came_while_only_scores_ran_is_adopted_by_a_newer_go_live(build: Build) -> None:
    """Created and asked before the go-live: it was not ours to answer."""
    world = build()
    ledger = world.ledger()
    asking(world, "1")
    world.sync(ledger, mode="scores", go_live=AS_OF - timedelta(days=400))
    world.clock.pass_by(days=14)

    world.sync(ledger, go_live=world.clock() - timedelta(minutes=1))

    assert world.handed_over() == []


def test_a_backfill_leaves_fresh_requests_to_the_next_sync(build: Build) -> None:
    """It makes no tasks, and swallows none."""
    world = build()
    ledger = world.ledger()
    world.person("1")
    world.sync(ledger)
    world.asked_for_demo("1")
    world.clock.pass_by(minutes=10)
    run(world.session(ledger), Order("backfill", world.clock(), everything=True, tasks=False))
    placed = (world.handed_over(), world.properties("1")["lifecyclestage"])
    world.clock.pass_by(minutes=10)

    world.sync(ledger)

    assert (placed, world.handed_over()) == (([], "lead"), ["1"])


def test_g8_quiet_hours_do_not_let_a_flood_out(build: Build) -> None:
    """Whoever of it is looked at during quiet hours still waits for the review when they are over."""
    world = build()
    ids = flood(world)
    ledger = world.ledger()
    world.sync(ledger, limits=TIGHT)
    world.edit(ids[0], {"phone": "1"})
    ledger.mirror.mark_dirty([ids[0]])
    world.clock.pass_by(minutes=10)
    world.sync(ledger, limits=TIGHT, quiet=NIGHT)
    world.clock.pass_by(hours=3)

    world.sync(ledger, limits=TIGHT, quiet=NIGHT)

    assert world.handed_over() == []
    assert {one.code for one in ledger.aside.every()} == {"change_budget"}
