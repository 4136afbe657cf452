"""What happens when: APScheduler itself, stepped through time that the test moves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from apscheduler.events import EVENT_JOB_EXECUTED
from apscheduler.executors.pool import ThreadPoolExecutor

from connector.agreement.approvals import EMERGENCY, Approval
from connector.daemon import Schedule
from connector.errors import Busy, ConfigError, Deferred, LedgerError, Problem, Transient
from connector.ledger.aside import SetAside
from connector.sync import Order, Session, Signatures, run
from tests.daemon.house import FIVE_MINUTES, House
from tests.sync.world import AS_OF

Build = Callable[..., House]
Said = Callable[..., list[dict[str, Any]]]

# -- when -------------------------------------------------------------------------------------------------------------


def test_a_connection_runs_at_once_and_then_on_its_interval(acme: House) -> None:
    """The first run reads everybody, the others what changed; a second one writes nothing."""
    acme.started().wait(minutes=16)

    assert acme.begun() == ["12:00", "12:05", "12:10", "12:15"]
    assert [one.report["counts"]["read"] for one in acme.runs()] == [6, 6, 0, 0]  # the second meets our own echo
    assert [one.report["counts"]["written"] for one in acme.runs()] == [6, 0, 0, 0]
    assert acme.world("acme").handed_over() == ["1", "2"]


def test_cron_means_the_agreements_time_zone(build: Build) -> None:
    """Eight in Jakarta on weekdays: one in the morning of UTC, and never on Saturday."""
    house = build(schedules={"acme": Schedule(cron="0 8 * * mon-fri", zone=ZoneInfo("Asia/Jakarta"))})
    house.confirmed().started().wait(days=5)

    assert [f"{one.started_at:%a %H:%M}" for one in house.runs()] == ["Wed 01:00", "Thu 01:00", "Fri 01:00"]
    assert house.word()["next_run_at"] == "2026-04-06T01:00:00Z"
    assert (house.word()["cron"], house.word()["every"]) == ("0 8 * * mon-fri", None)


def test_a_run_begins_late_by_at_most_the_jitter(build: Build) -> None:
    """Never early, never later than allowed, not all alike, and without adding up; a long sleep is counted right."""
    jitter = timedelta(seconds=30)
    house = build(schedules={"acme": replace(FIVE_MINUTES, jitter=jitter)})
    house.confirmed().started().wait(hours=3)
    house.sleep(hours=1, minutes=1)

    late = [one.started_at - AS_OF - number * timedelta(minutes=5) for number, one in enumerate(house.runs()[:-1])]
    assert len(set(late)) > 10
    assert all(timedelta() <= one <= jitter for one in late)
    assert (len(late), house.word()["missed"]) == (36, 12)


def test_after_a_long_sleep_there_is_one_run_and_the_others_are_counted(acme: House) -> None:
    """The machine slept for two hours: 24 instants, one late run, 23 left out, and on from there."""
    acme.started()
    acme.sleep(hours=2)
    acme.wait(minutes=6)

    assert acme.begun() == ["12:00", "14:00", "14:05"]
    assert (acme.word()["missed"], acme.word()["missed_at"]) == (23, "2026-03-31T14:00:00Z")


def test_lesson_50_what_was_planned_while_no_daemon_ran_is_counted(acme: House) -> None:
    """Started again an hour and a half after its next instant: 17 were left out, the eighteenth is made good."""
    with acme.opened() as ledger:
        ledger.runs.note_schedule({"next_run_at": "2026-03-31T10:33:00Z"})

    acme.started()

    assert (acme.word()["missed"], acme.begun()) == (17, ["12:00"])


def test_never_two_runs_at_once_for_one_connection(build: Build) -> None:
    """An instant that comes while the run before still goes is left out and counted; others are served meanwhile."""
    house = build(schedules={"acme": FIVE_MINUTES, "beta": FIVE_MINUTES}, executor=ThreadPoolExecutor(8)).confirmed()
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Semaphore(0)

    def slow(session: Session) -> None:
        if session.ledger.connection == "acme":
            begun.set()
            assert go_on.wait(20)

    house.meanwhile = slow
    house.daemon._scheduler.add_listener(lambda event: ended.release(), EVENT_JOB_EXECUTED)
    house.started()
    assert begun.wait(20)
    assert ended.acquire(timeout=20)
    for _ in range(2):
        house.sleep(minutes=5)
        assert ended.acquire(timeout=20)
    assert house.daemon.under_way() == ("acme",)
    go_on.set()
    assert ended.acquire(timeout=20)
    house.daemon.stop()
    house.daemon.close()

    assert (len(house.runs("acme")), len(house.runs("beta"))) == (1, 3)
    assert (house.word("acme")["missed"], house.word("beta")["missed"]) == (2, 0)


# -- who was due ------------------------------------------------------------------------------------------------------


def test_the_due_timer_wakes_exactly_those_whose_time_has_come(build: Build) -> None:
    """Between two nightly runs one person's time comes: looked at then, and nobody else is read."""
    house = build(schedules={"acme": Schedule(every=timedelta(days=1))})
    world = house.world("acme")
    world.usual_people()
    house.confirmed().started()
    with house.opened() as ledger:
        due = ledger.people.next_due(AS_OF)
    assert due is not None
    assert due < AS_OF + timedelta(days=1)
    before = dict(world.crm.calls.by_class)

    house.wait(seconds=(due - AS_OF).total_seconds() + 1)

    first, second = house.runs()
    assert second.started_at == due
    assert (second.report["counts"]["looked_at"], second.report["counts"]["read"]) == (1, 1)
    called = {name: n - before.get(name, 0) for name, n in world.crm.calls.by_class.items()}
    assert not {"list", "search", "occurrences"} & {name for name, n in called.items() if n}
    assert called["batch_read"] == 1  # the base of the one write
    assert first.number + 1 == second.number


def test_who_is_due_but_not_settled_waits_for_the_planned_run(acme: House) -> None:
    """No rush of runs for somebody whose instant has passed and who cannot be settled."""
    acme.started()
    with acme.opened() as ledger:
        ledger.people.look_again({"1": (AS_OF - timedelta(days=1), None)})
        assert ledger.people.next_due(AS_OF) != AS_OF - timedelta(days=1)
    acme.wait(minutes=4)

    assert len(acme.runs()) == 1


def test_runs_for_those_who_are_due_are_a_minute_apart(build: Build) -> None:
    """Two people a second apart are one run."""
    house = build(schedules={"acme": Schedule(every=timedelta(days=1))})
    house.world("acme").usual_people()
    house.confirmed().started()
    with house.opened() as ledger:
        for id, seconds in (("3", 5), ("6", 6)):
            ledger.people.look_again({id: (AS_OF + timedelta(seconds=seconds), None)})
    house.daemon._set_due(house.daemon._lines["acme"], AS_OF + timedelta(seconds=5))
    house.wait(minutes=3)

    assert [one.started_at - AS_OF for one in house.runs()[1:]] == [timedelta(seconds=5), timedelta(seconds=65)]


def test_the_due_timer_calls_back_who_was_set_aside_until_an_instant(build: Build) -> None:
    """The end of quiet hours, or the hour of the scores: looked at then, not with the next planned run."""
    house = build(schedules={"acme": Schedule(every=timedelta(hours=2))})
    house.world("acme").usual_people()
    house.confirmed().started().wait(minutes=90)
    with house.opened() as ledger:
        end = AS_OF + timedelta(hours=2, minutes=20)
        ledger.aside.put([SetAside("6", 1, "time", "scores", since=AS_OF, until=end)], AS_OF)
    house.wait(hours=1)

    assert house.begun()[-1] == "14:20"
    assert house.runs()[-1].report["counts"]["looked_at"] == 1


def test_shown_scores_are_brought_up_to_date_once_a_day(build: Build) -> None:
    """Where only the shown score ages, the first run after the agreement's hour (06:00) looks, and no other."""
    house = build(schedules={"acme": Schedule(every=timedelta(hours=2))})
    house.world("acme").usual_people()
    house.confirmed().started()
    with house.opened() as ledger:
        ledger.people.look_again({id: (None, AS_OF + timedelta(hours=1)) for id in "123"})
    house.wait(hours=23)

    looked = {f"{one.started_at:%d %H:%M}": one.report["counts"]["looked_at"] for one in house.runs()[1:]}
    assert {at: count for at, count in looked.items() if count} == {"01 06:00": 3}


# -- who waits, who fails ---------------------------------------------------------------------------------------------


def test_a_connection_nobody_agreed_to_waits_and_says_so(build: Build) -> None:
    """The other one is served; as soon as somebody agrees, so is this one."""
    house = build(schedules={"acme": FIVE_MINUTES, "beta": FIVE_MINUTES})
    with house.opened("beta") as ledger:
        ledger.runs.confirm("memory", AS_OF)
    house.world("acme").usual_people()
    house.started().wait(minutes=6)

    assert (house.runs("acme"), len(house.runs("beta"))) == ([], 2)
    assert "connector sync --connection acme" in house.word("acme")["waiting_for"]
    assert house.word("beta")["waiting_for"] is None

    house.confirmed().wait(minutes=5)
    assert [one.report["counts"]["written"] for one in house.runs("acme")] == [6]
    assert house.word("acme")["waiting_for"] is None


def test_a_connection_without_signatures_waits_says_so_once_and_goes_on_by_itself(build: Build, said: Said) -> None:
    """The other one is served. Once it is signed, or while one side's emergency lasts, so is this one."""
    house = build(schedules={"acme": FIVE_MINUTES, "beta": FIVE_MINUTES})
    approvals: list[Approval] = []

    def asked(session: Session) -> None:
        if session.ledger.connection == "acme":
            session.signatures = Signatures(
                version="1.0", definitions="dd", wiring="ff", approvals=tuple(approvals), required=True
            )

    house.meanwhile = asked
    house.world("acme").usual_people()
    house.confirmed().started().wait(minutes=11)

    assert (house.runs("acme"), len(house.runs("beta"))) == ([], 3)
    assert house.word("acme")["waiting_for"].startswith("the signature of marketing, sales and admin under agreement")
    assert [one["connection"] for one in said("connection waits")] == ["acme"]
    assert house.world("acme").writes == 0

    now = datetime.now(UTC)
    approvals += [
        Approval("admin", "Cy Park", now, "ff"),
        Approval("sales", "Ben Ode", now, "dd", emergency=True, why="moved"),
    ]
    house.wait(minutes=5)
    assert [one.status for one in house.runs("acme")] == ["done"]
    assert house.word("acme")["waiting_for"] is None

    house.sleep(seconds=EMERGENCY.total_seconds() - 301)
    count = len(house.runs("acme"))
    assert house.word("acme")["waiting_for"] is None
    house.wait(minutes=5)
    assert house.word("acme")["waiting_for"].startswith("the signature of marketing under agreement")
    assert len(house.runs("acme")) == count == 2


def test_observing_needs_nobodys_word(build: Build) -> None:
    """A connection that cannot write is served from the start."""
    house = build()
    house.world("acme").settings = replace(house.world("acme").settings, mode="observe")
    house.world("acme").usual_people()
    house.started().wait(minutes=6)

    assert [one.mode for one in house.runs()] == ["observe", "observe"]
    assert house.world("acme").writes == 0


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            Transient("The CRM cannot be reached with Bearer abcdef123456"),
            "The CRM cannot be reached with Bearer [reda",
        ),
        (ConfigError([Problem("hubspot.toml:3", "no such option.")]), "hubspot.toml:3: no such option."),
        (ZeroDivisionError("anna@northmill.example"), "this should not happen: ZeroDivisionError in house.py"),
    ],
)
def test_a_connection_that_fails_stops_nobody(build: Build, error: Exception, told: str, said: Said) -> None:
    """Its failure is kept for status without secrets or people; it is tried again at its next instant."""
    house = build(schedules={"acme": FIVE_MINUTES, "beta": FIVE_MINUTES})
    house.confirmed().broken["acme"] = error
    house.started().wait(minutes=6)

    assert (house.runs("acme"), len(house.runs("beta"))) == ([], 2)
    assert house.word("acme")["last_error"].startswith(told)
    assert house.word("beta")["last_error"] is None
    assert [(one["connection"], one["problem"][:20]) for one in said("run failed")] == [("acme", told[:20])] * 2

    house.broken.clear()
    house.wait(minutes=5)
    assert len(house.runs("acme")) == 1
    assert (house.word("acme")["last_error"], house.word("acme")["last_error_at"]) == (None, None)


def test_g7_a_connection_whose_day_is_spent_waits_and_did_not_fail(build: Build, said: Said) -> None:
    """Status says what for; the next instant tries again, and the day after it goes on."""
    house = build(schedules={"acme": FIVE_MINUTES})
    house.confirmed().broken["acme"] = Deferred("The account's daily quota is spent.")
    house.started().wait(minutes=6)

    assert house.word()["waiting_for"] == "the quota: The account's daily quota is spent."
    assert (house.word()["last_error"], said("run failed")) == (None, [])
    house.broken.clear()
    house.wait(minutes=5)
    assert (len(house.runs()), house.word()["waiting_for"]) == (1, None)


def test_a_run_by_hand_and_a_planned_one_never_meet(acme: House) -> None:
    """Whoever comes second is turned away: the tick is skipped without an error, the hand-made run is Busy."""
    acme.started()
    with acme.opened() as ledger:
        by_hand = replace(acme.world("acme").session(ledger), worker="host:1:aaaaaa")
        fence = ledger.runs.take_lease(by_hand.worker, datetime.now(UTC))
        acme.wait(minutes=4)
        ledger.runs.renew_lease(fence, datetime.now(UTC))
        acme.wait(minutes=2)
        assert len(acme.runs()) == 1
        assert "another run" in acme.word()["waiting_for"]
        assert acme.word()["last_error"] is None
        ledger.runs.drop_lease(fence)

        def meanwhile(session: object) -> None:
            taken = ledger.runs.take_lease("daemon:99", datetime.now(UTC))
            with pytest.raises(Busy):
                run(by_hand, Order("sync", datetime.now(UTC)))
            ledger.runs.drop_lease(taken)

        acme.meanwhile = meanwhile
        acme.wait(minutes=5)

    assert len(acme.runs()) == 2
    assert acme.word()["waiting_for"] is None


def test_a_pause_stops_writing_and_a_resume_lets_it_go_on(acme: House) -> None:
    """Runs go on and read; nothing is written until the pause is over, and then nothing is lost."""
    with acme.opened() as ledger:
        ledger.runs.pause(AS_OF, AS_OF + timedelta(minutes=12), "import")
    acme.started().wait(minutes=11)
    assert [one.status for one in acme.runs()] == ["deferred"]  # three times taken up
    assert acme.world("acme").writes == 0
    assert acme.word()["last_error"] is None

    acme.wait(minutes=5)
    assert [one.report["counts"]["written"] for one in acme.runs()][-1] == 6


# -- reload and stop --------------------------------------------------------------------------------------------------


def test_a_reload_adds_removes_and_changes_connections(build: Build) -> None:
    """A new one runs at once, a removed one no more, a changed one at its new pace, an unchanged one as before."""
    house = build(schedules={"acme": FIVE_MINUTES, "beta": FIVE_MINUTES, "gone": FIVE_MINUTES})
    house.confirmed().started().wait(minutes=2)
    house.schedules = {"acme": Schedule(every=timedelta(minutes=2)), "beta": FIVE_MINUTES, "new": FIVE_MINUTES}
    house.confirmed().daemon.reload()
    house.wait(minutes=5)

    assert house.begun("acme") == ["12:00", "12:04", "12:06"]
    assert house.begun("beta") == ["12:00", "12:05"]
    assert house.begun("gone") == ["12:00"]
    assert house.begun("new") == ["12:02", "12:07"]
    assert (house.word("acme")["every"], house.word("gone")["stopped_at"]) == ("2m", "2026-03-31T12:02:00Z")


def test_a_bad_configuration_is_refused_with_everything_that_is_wrong(acme: House, said: Said) -> None:
    """The old one holds, and status knows why; a good one clears it."""
    acme.started()
    acme.refused = ConfigError([Problem("config.toml:3", "is wrong."), Problem("config.toml:9", "too.")])
    acme.daemon.reload()
    acme.wait(minutes=6)
    assert acme.begun() == ["12:00", "12:05"]
    assert len(said("configuration refused")) == 2
    assert acme.word()["refused"] == ["config.toml:3: is wrong.", "config.toml:9: too."]

    acme.refused = None
    acme.daemon.reload()
    assert (acme.word()["refused"], acme.word()["refused_at"]) == ([], None)


def test_a_stop_begins_nothing_more_and_leaves_word(acme: House) -> None:
    """The run under way ends before its next batch, no other begins, and status knows when the daemon stopped."""

    def stop_while_looking(session: Session) -> None:
        session.progress = lambda phase, done, total: acme.daemon.stop()

    acme.meanwhile = stop_while_looking
    acme.started().wait(minutes=20)
    acme.daemon.close()

    assert (acme.begun(), acme.world("acme").writes) == (["12:00"], 0)
    assert acme.daemon.under_way() == ()
    assert acme.word()["stopped_at"] == "2026-03-31T12:20:00Z"


def test_what_a_stop_left_undone_the_next_daemon_does(acme: House) -> None:
    """Stopped before the first batch, the same people are written after the next start."""
    acme.meanwhile = lambda session: setattr(session, "progress", lambda phase, done, total: acme.daemon.stop())
    acme.started().daemon.close()
    assert ([one.status for one in acme.runs()], acme.world("acme").writes) == (["deferred"], 0)
    acme.meanwhile = lambda session: None
    acme.again().started()

    assert acme.runs()[-1].report["counts"]["written"] == 6
    assert acme.word()["stopped_at"] is None


def test_the_log_has_one_line_a_run_and_nobodys_name(acme: House, said: Said) -> None:
    """Constant words, numbers as keys."""
    acme.started().wait(minutes=6)

    finished = said("run finished")
    assert [(one["run"], one["status"], one["written"], one["connection"]) for one in finished] == [
        (1, "done", 6, "acme"),
        (2, "done", 0, "acme"),
    ]
    assert "northmill" not in str(said())


def test_a_new_connection_whose_state_cannot_be_opened_is_refused(
    acme: House, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is away when the files are loaded anew is no reason to leave: the old ones go on as before."""
    acme.started()

    def away(name: str = "acme") -> Any:
        if name == "new":
            raise LedgerError("The state cannot be opened.")
        return House.opened(acme, name)

    acme.schedules = {"acme": FIVE_MINUTES, "new": FIVE_MINUTES}
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(acme, "opened", away)
        acme.daemon.reload()
    acme.wait(minutes=6)

    assert (acme.begun("acme"), acme.begun("new")) == (["12:00", "12:05"], [])
    assert len(said("configuration refused")) == 1
    assert acme.word()["refused"] == ["The state cannot be opened."]
