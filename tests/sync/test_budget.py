"""The account's day as a budget, on the sandbox: workers on one ledger, another app at work, midnight, refusals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connector.crm import CRM
from connector.crm.desk import Desk
from connector.crm.hubspot import HubSpot, Reading
from connector.crm.pacing import Budget
from connector.errors import Deferred, Transient
from connector.ledger import open_ledger
from connector.ledger.quota import QuotaBook
from connector.plan import Set
from connector.sandbox import Sandbox
from connector.sync import Order, Report, run
from connector.sync.backwards import Backwards
from connector.sync.lease import holding
from tests.sync.sandbox_world import SandboxWorld, empty_account
from tests.sync.world import empty_ledger


@dataclass
class Workers(SandboxWorld):
    """Workers on one ledger and one account, each a process of its own; waiting moves everybody's clock."""

    budget: Budget = field(default_factory=lambda: Budget(share=1.0, daily_floor=100))
    before: list[int] = field(default_factory=list)  # calls left of the account's day when each of ours arrived
    paths: list[str] = field(default_factory=list)  # of all calls, those refused by a script as well

    def __post_init__(self) -> None:
        super().__post_init__()
        (self.folder / "state.db").write_bytes(empty_ledger())

    @property
    def left(self) -> int:
        """Calls left of the account's day."""
        return self.account.switches.daily - self.sandbox.hubspot.limits.used_today  # type: ignore[union-attr]  # there is one

    def midnight(self) -> datetime:
        """When the account's next day begins."""
        return datetime.fromtimestamp(self.sandbox.hubspot.limits.resets_at() / 1000, UTC)  # type: ignore[union-attr]  # there is one

    def listed(self) -> list[str]:
        """The pages of contacts that were asked for."""
        return [path for path in self.paths if "/objects/2026-03/contacts?" in path]

    def sleep(self, seconds: float) -> None:
        """Time passes."""
        self.clock.pass_by(seconds=seconds)
        self.account.clock.set(self.clock())

    def adapter(self) -> CRM:
        """A new process: nothing is remembered but in the ledger."""
        self.account.clock.set(self.clock())
        wall = lambda: self.clock().timestamp()  # noqa: E731 - twice the same
        book = QuotaBook(f"sqlite:///{self.folder / 'state.db'}")
        return HubSpot(
            self.sandbox.hubspot.token,  # type: ignore[union-attr]  # there is one
            base_url=self.sandbox.url,  # type: ignore[union-attr]  # there is one
            read=Reading(threads=1, page=2, search_page=2),
            budget=self.budget,
            desk=Desk(book, clock=wall, sleep=self.sleep, wall=wall),
        )

    def work(self, connection: str, **order: Any) -> Report:
        """One run of one worker."""
        ledger = open_ledger(f"sqlite:///{self.folder / 'state.db'}", connection)
        session = self.session(ledger)
        try:
            with suppress(Deferred):  # the run says it again
                session.crm.describe(("contact",))
            return run(session, replace(Order("backfill", self.clock(), everything=True), **order))
        finally:
            session.crm.close()
            ledger.database.close()

    def clear_then_set(self, wanted: Mapping[str, Set]) -> None:
        """What a run does with stages that go back, when what was left of the day is known to it."""
        (self.folder / "state.db").write_bytes(empty_ledger())
        ledger = open_ledger(f"sqlite:///{self.folder / 'state.db'}", "one")
        session = self.session(ledger)
        session.crm.priority = "incremental"
        try:
            with holding(session):
                report = Report(1, "one", "live", self.clock(), self.clock(), "")
                assert list(session.crm.read("contact", ["1"], ["email"]))
                with suppress(Deferred):
                    Backwards(session, report).clear_then_set(wanted)
        finally:
            session.crm.close()
            ledger.database.close()


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(empty_account) as sandbox:
        yield sandbox


@pytest.fixture
def workers(running: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    world = Workers(tmp_path, sandbox=running)
    for number in range(1, 25):
        world.person(str(number))
    world.account.clock.set(world.clock())
    running.switch(rate_limits=True)
    admit, striking = running.hubspot.limits.admit, running.faults.striking

    def watched(*asked: Any) -> str | None:
        world.before.append(world.left)
        return admit(*asked)

    def heard(method: str, target: str, now: int) -> Any:
        world.paths.append(target)
        return striking(method, target, now)

    monkeypatch.setattr(running.hubspot.limits, "admit", watched)
    monkeypatch.setattr(running.faults, "striking", heard)
    yield world
    running.faults.clear()


def test_lesson_38_the_floor_is_never_crossed_and_the_work_goes_on_the_next_day(
    workers: Workers, running: Sandbox
) -> None:
    """Two workers and an app that takes five calls beside each of ours: we stop above the floor, both end as deferred
    and say until when, no restart calls again before midnight, and the days after both are done where they stopped."""
    running.switch(daily=350, foreign_calls_per_call=5)
    first = {name: workers.work(name) for name in ("one", "two")}
    stopped_at, calls = workers.left, len(workers.before)
    again = workers.work("one")

    assert {one.status for one in first.values()} == {"deferred"}
    assert min(workers.before) > 100  # none of our calls came when no more than the floor was left
    assert stopped_at >= 100 - 5  # the other app's own calls beside our last
    assert "after 2026-03-31 22:00 UTC (00:00 Europe/Warsaw)" in first["one"].message
    assert (again.status, again.run, len(workers.before)) == ("deferred", first["one"].run, calls)
    ended = dict(first)
    for _ in range(6):
        workers.clock.at = workers.midnight()
        ended |= {name: workers.work(name) for name, report in ended.items() if report.status == "deferred"}
    assert {name: (one.status, one.run) for name, one in ended.items()} == {"one": ("done", 1), "two": ("done", 1)}
    assert min(workers.before) > 100
    assert {id for id in workers.contacts() if workers.properties(id).get("cx_fit_score")} == set(workers.contacts())


def test_g5_g7_nobody_stays_blank_wherever_the_day_ends(workers: Workers, running: Sandbox) -> None:
    """A stage is cleared, then set, and at whichever call the rest of the day has come down to the floor: either it
    was not begun, or it is ended."""
    running.switch(daily=1000)
    back = {"1": Set("stage", "lifecyclestage", "marketingqualifiedlead", "lead")}
    stages = []
    for left in (101, 102, 103, 104, 105, 141, 142):
        workers.edit("1", {"lifecyclestage": "marketingqualifiedlead"})
        running.hubspot.limits.spent = 1000 - left
        workers.clear_then_set(back)
        stages.append(workers.properties("1").get("lifecyclestage"))

    assert stages == [*["marketingqualifiedlead"] * 6, "lead"]


def test_lesson_38_ten_restarts_do_not_begin_at_zero(workers: Workers, running: Sandbox) -> None:
    """A third of 300 calls a day is ours, 95 of them an incremental run's and 80 a backfill's: whatever runs how often,
    that is all. Whoever leaves may have counted a call that was not sent any more."""
    running.switch(daily=300)
    began = workers.left
    workers.budget = Budget(share=1 / 3, daily_floor=0)
    ends = [workers.work(f"connection{number}").status for number in range(6)]

    assert ends[-1] == "deferred"
    assert began - workers.left <= 95
    assert workers.work("urgent", everything=False, verb="sync").status == "deferred"
    assert 90 <= began - workers.left <= 95


def test_a_refusal_of_the_day_is_remembered_by_every_process(workers: Workers, running: Sandbox) -> None:
    """Another app spent the day: each process asks once whether it is so still, and no more until midnight."""
    workers.work("one", only=("1",), everything=False)
    running.hubspot.limits.spend_daily(300_000)
    calls = len(workers.before)
    ended = [workers.work(name) for name in ("one", "two", "one")]

    assert {one.status for one in ended} == {"deferred"}
    assert len(workers.before) == calls + 3
    workers.clock.at = workers.midnight()
    assert workers.work("one").status == "done"


def test_a_day_that_was_spent_and_is_no_more_is_found_out_at_once(workers: Workers, running: Sandbox) -> None:
    """Somebody bought more calls, or the server's day is not ours: the next process asks, and the work goes on."""
    running.switch(daily=30)
    running.hubspot.limits.spend_daily(30)
    workers.budget = Budget(share=1.0, daily_floor=0)
    spent = workers.work("one")
    running.switch(daily=250_000)

    assert (spent.status, workers.work("one").status) == ("deferred", "done")


def test_retry_after_holds_every_process_of_the_account(workers: Workers, running: Sandbox) -> None:
    """A 429 that names ninety seconds: another worker, new, waits for them as well, and nobody is refused again."""
    workers.work("one", only=("1",), everything=False)
    running.fault("throttle", path="/contacts", retry_after=90)
    began = workers.clock()
    report = workers.work("one", only=("1",), everything=False)
    refused_at = workers.clock()

    assert (report.status, report.throttled) == ("done", 1)
    assert (refused_at - began).total_seconds() >= 90

    running.fault("throttle", path="/contacts", retry_after=100, times=6)
    with pytest.raises(Transient):
        workers.work("one", only=("1",), everything=False)
    running.faults.clear()
    stood = workers.clock()
    workers.work("two", only=("2",), everything=False)
    assert (workers.clock() - stood).total_seconds() >= 99


def test_lesson_39_trap_07_a_429_on_page_seven_each_time_loses_no_page_before_it(
    workers: Workers, running: Sandbox
) -> None:
    """A scan of twelve pages whose seventh is refused in every run: each run begins where the one before stopped."""
    running.fault("throttle", method="GET", path=r"objects/2026-03/contacts\?.*after=13$", times=12)
    for _ in range(2):
        with pytest.raises(Transient):
            workers.work("one")
    asked = workers.listed()
    report = workers.work("one")

    assert report.status == "done"
    assert len([one for one in asked if "after=" not in one]) == 1
    assert len(workers.listed()) <= 12 + 12
    assert report.counts["looked_at"] == 24


def test_lesson_39_trap_07_a_429_in_the_middle_of_a_window_is_gone_on_from(workers: Workers, running: Sandbox) -> None:
    """24 people were edited, two a page of the search, and the seventh page is refused: the next run asks for what is
    above the twelfth, and the window is complete in the end."""
    workers.work("one")
    workers.clock.pass_by(minutes=10)
    for id in workers.contacts():
        workers.edit(id, {"jobtitle": "Head of Operations"})
    workers.clock.pass_by(minutes=10)
    running.fault("throttle", path="contacts/search", nth=7, times=6)
    with pytest.raises(Transient):
        workers.work("one", everything=False, verb="sync")
    before = len(workers.paths)
    report = workers.work("one", everything=False, verb="sync")

    seen = [id for id in workers.contacts() if workers.properties(id)["jobtitle"] == "Head of Operations"]
    assert report.status == "done"
    assert report.counts["looked_at"] == len(seen) == 24
    assert len([one for one in workers.paths[before:] if "/contacts/search" in one]) <= 7
