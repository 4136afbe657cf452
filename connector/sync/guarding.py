"""
The guard of one run (G8): before looking, who of those set aside may go on; before writing, who must wait.

Who waits for a review goes on waiting; then come freezes and quiet hours, the change budget cause by cause, the share
overwritten, scores that only aged, and last the hand-off tasks, which are few and go to the most urgent. Whoever waits
leaves the queue of people to look at, so that a flood set aside costs the next runs nothing; what a person must review
is told once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from operator import itemgetter

from connector.errors import Deferred, GuardRefused
from connector.ledger.aside import CHANGE_BUDGET, FOR_REVIEW, QUIET, TASK_BUDGET, SetAside, Waiting
from connector.ledger.work import PARKED, PLANNED, PlannedChange
from connector.log import get_logger
from connector.plan import SCORES, guard, over_task_budget
from connector.quiet import Silence
from connector.sync.session import Order, Report, Session
from connector.wording import counted

log = get_logger("connector.sync")

DAY = timedelta(days=1)

#: Planned changes in memory at once: each is a few kilobytes, and a changed rule may concern everybody.
PAGE = 1000

#: Causes of people who wait without a review: their groups in the report.
TASKS_WAIT, QUIET_WAIT, SCORES_WAIT, CANARY_WAIT = "task budget", "quiet", "scores that aged", "canary"

#: The rest of a clean-up, which the same command takes up again.
CLEAN_UP_WAIT = "clean-up"

#: What goes on by itself in the next runs.
BY_ITSELF = (TASKS_WAIT, QUIET_WAIT, SCORES_WAIT, CANARY_WAIT)


class Guarding:
    """Who may go on, who must wait, and who is told."""

    def __init__(self, session: Session, order: Order, report: Report) -> None:
        self._session = session
        self._order = order
        self._report = report
        self._work = session.ledger.work
        self._outbox = session.ledger.outbox
        self._aside = session.ledger.aside
        self._now = session.now()
        self._said: dict[tuple[str, str], str] = {}  # (code, cause) -> why, as of this run
        self._called: set[str] = set()  # causes whose whole group fits the budget again

    # -- before looking -------------------------------------------------------------------------------------------

    def call_back(self) -> None:
        """Look again at those whose time has come, whose group fits the budget now, or who have a free place; and of
        a reviewed plan at those in it, who wait no longer."""
        if self._order.only is not None:
            self._refuse_in_freeze()
            self._session.ledger.mirror.mark_dirty(self._order.only)
            return
        with self._session.ledger.transaction():
            self._aside.call_back_due(self._now)
            left = self._changes_left()
            for group in sorted(self._aside.by_cause(), key=lambda one: one.people):
                if group.code == QUIET and self._silence() is None:
                    self._aside.call_back(group.cause, group.code)
                elif group.code == CHANGE_BUDGET and group.people <= left:
                    self._aside.call_back(group.cause, group.code)
                    self._called.add(group.cause)
                    left -= group.people
            self._call_to_free_places()

    def _changes_left(self) -> int:
        limits = self._session.settings.limits
        return max(0, min(limits.changes_per_run, limits.changes_per_day - self._work.counted_since(self._now - DAY)))

    def _call_to_free_places(self) -> None:
        waiting = self._aside.every(TASK_BUDGET)
        if waiting:
            session = self._session
            wanted = ((one.person_id, session.task_owner(one.owner_id), one.tasks) for one in waiting)
            still = set(self._over_task_budget(wanted))
            self._session.ledger.mirror.mark_dirty([one.person_id for one in waiting if one.person_id not in still])

    def tells(self, code: str, reasons: Mapping[str, str]) -> None:
        """Why groups wait that another room has set aside: cause -> reason."""
        self._said.update({(code, cause): why for cause, why in reasons.items()})

    # -- before writing -------------------------------------------------------------------------------------------

    def before_writing(self) -> None:
        """Look at the whole run before its first write, and set aside what is too much."""
        order = self._order
        self._now = self._session.now()  # reading may have taken hours
        silence = self._silence()
        if order.reviewed:
            self._refuse_in_freeze()
        else:
            self._keep_aside()
            if silence is not None:
                self._keep_quiet(silence)
            self._keep_to_budget()
            self._spread_scores()
        self._keep_to_task_budget()
        if order.canary is not None:
            self._keep_canary(order.canary)
        if order.per_day is not None:
            self._keep_to_pace(order.per_day)

    def _keep_to_pace(self, per_day: int) -> None:
        """A clean-up is written at so many a day, whoever runs the command how often."""
        cause = f"clean_up.{self._order.clean_up}"
        left = max(0, per_day - self._work.written_since(self._now - DAY, cause))
        rest = [one.person_id for one in self._planned()][left:]
        self._leave(rest, CLEAN_UP_WAIT, f"written at {per_day} a day; give the same command again tomorrow")

    def _refuse_in_freeze(self) -> None:
        """A freeze holds for what was reviewed, too; quiet hours do not."""
        silence = self._silence()
        if self._order.reviewed and self._order.write and silence is not None and silence.frozen:
            raise GuardRefused(f"{silence.reason} until {silence.until:%Y-%m-%d %H:%M} UTC. Nothing was written.")

    def _keep_aside(self) -> None:
        """Whoever waits for a review goes on waiting for it, also when looked at for another reason: a flood must not
        trickle through a few people at a time."""
        told = {one.key: one.message for one in self._aside.open_alerts()}
        for some in _pages(one for one in self._planned() if one.counted and one.cause not in self._called):
            for (code, cause), people in self._waiting_among(some).items():
                why = told.get(f"{code}:{cause}", f"{cause} waits for a review")
                self._set_aside(people, code, cause, why)

    def _waiting_among(self, planned: Sequence[PlannedChange]) -> dict[tuple[str, str], list[PlannedChange]]:
        """Those who wait for a review of what they would be changed for, by what they wait for."""
        changes = {one.person_id: one for one in planned}
        groups: dict[tuple[str, str], list[PlannedChange]] = {}
        for row in self._aside.of(list(changes)):
            one = changes[row.person_id]
            if row.code in FOR_REVIEW and row.cause == one.cause:
                groups.setdefault((row.code, row.cause), []).append(one)
        return groups

    def _keep_quiet(self, silence: Silence) -> None:
        waiting = (one for one in self._planned() if one.counted and not _may_pass(one, silence))
        why = f"{silence.reason} until {silence.until:%Y-%m-%d %H:%M} UTC"
        self._set_aside(waiting, QUIET, QUIET_WAIT, why, until=silence.until)

    def _keep_to_budget(self) -> None:
        parkings = guard(
            self._work.by_cause(self._report.run),
            self._session.settings.limits,
            looked_at=self._report.counts["looked_at"],
            written_today=self._work.counted_since(self._now - DAY),
        )
        for parking in parkings:
            people = (one for one in self._planned() if one.cause == parking.cause)
            self._set_aside(people, parking.code, parking.cause, parking.message)

    def _spread_scores(self) -> None:
        """Scores that only aged are free, so many a run; the others come next, nobody need look at them."""
        most = self._session.settings.limits.max_score_writes
        if sum(one.people for one in self._work.by_cause(self._report.run) if one.cause == SCORES) <= most:
            return
        aged = [one.person_id for one in self._planned() if not one.counted and one.body["by_time"]]
        self._leave(aged[most:], SCORES_WAIT, f"guard.max_score_writes = {most} a run")

    def _keep_to_task_budget(self) -> None:
        """Hand-offs beyond the day's places wait whole, stage and all; the most urgent go first."""
        wanted = [
            (-one.urgency, one.person_id, one.body["owner_id"], len(one.body["tasks"]))
            for one in self._planned()
            if one.body["tasks"]
        ]
        wanted.sort(key=itemgetter(0, 1))
        waiting = set(self._over_task_budget(one[1:] for one in wanted))
        self._set_aside(
            (one for one in self._planned() if one.person_id in waiting), TASK_BUDGET, TASKS_WAIT, self._places()
        )

    def _over_task_budget(self, wanted: Iterable[tuple[str, str | None, int]]) -> list[str]:
        sent = self._outbox.since(self._now - DAY)
        return over_task_budget(wanted, sent, self._session.settings.tasks)

    def _places(self) -> str:
        budget = self._session.settings.tasks
        return (
            f"tasks.per_owner_per_day = {budget.per_owner_per_day} and tasks.per_day = {budget.per_day} are spent for"
            " the last 24 hours; the most urgent go first"
        )

    def _keep_canary(self, size: int) -> None:
        """Write to a few first; the others stay as they are until the next run."""
        first = {one.person_id for one in self._work.planned(self._report.run, limit=size)}
        rest = [one.person_id for one in self._planned() if one.person_id not in first]
        self._leave(rest, CANARY_WAIT, f"--canary {size}: the rest waits for the next run")

    def _planned(self) -> Iterable[PlannedChange]:
        return self._work.every(self._report.run, PLANNED)

    def _silence(self) -> Silence | None:
        return self._session.silence(self._now)

    def still(self) -> None:
        """Between batches of writing: quiet hours that began since the guard looked end the run, unless a person asked
        for exactly this. Raises Deferred."""
        began = self._session.silence(self._session.now())
        if began is not None and not self._order.reviewed and self._silence() is None:
            why = f"{began.reason} until {began.until:%Y-%m-%d %H:%M} UTC: what is left is decided anew then."
            raise Deferred(why, code="paused")

    # -- setting aside --------------------------------------------------------------------------------------------

    def _set_aside(
        self, people: Iterable[PlannedChange], code: str, cause: str, why: str, *, until: datetime | None = None
    ) -> None:
        """These changes are not written by this run, and their people are not looked at again until called back. All
        of them or none, since half a flood would pass for a few; and never all of them in memory."""
        with self._session.ledger.transaction():
            for some in _pages(people):
                self._said[code, cause] = why
                self._park(some, code, cause, why, until)

    def _park(self, people: Sequence[PlannedChange], code: str, cause: str, why: str, until: datetime | None) -> None:
        run = self._report.run
        self._work.conclude(run, [(one.person_id, PARKED, code, why) for one in people], self._now)
        if not self._order.write:
            return
        self._aside.put([_waiter(one, run, cause, code, until) for one in people], self._now)
        self._session.ledger.mirror.settle([one.person_id for one in people])
        again = {one.person_id: _look_again(one) for one in people}
        self._session.memory.look_again(again)

    def _leave(self, ids: Sequence[str], cause: str, why: str) -> None:
        """The next run takes these up as if this one had not met them."""
        if ids:
            self._work.conclude(self._report.run, [(id, PARKED, cause, why) for id in ids], self._now)
            self._report.parked.append(self._line(cause, len(ids), why, self._now))

    # -- telling --------------------------------------------------------------------------------------------------

    def tell(self) -> None:
        """Everything that waits, with since when; what a person must review becomes an alert, once."""
        if not self._order.write:
            self._tell_plan()
            return
        groups = self._aside.by_cause()
        known = {one.key: one.message for one in self._aside.open_alerts()}
        with self._session.ledger.transaction():
            for group in groups:
                why = self._said.get((group.code, group.cause)) or known.get(_key(group)) or self._why(group)
                self._report.parked.append(self._line(group.cause, group.people, why, group.since, group.run))
                if group.code in FOR_REVIEW:
                    self._alert(group, why)
            self._aside.close_alerts([_key(one) for one in groups if one.code in FOR_REVIEW], self._now)

    def _why(self, group: Waiting) -> str:
        if group.code in FOR_REVIEW:
            return f"{group.cause} would change more than the budget allows"
        if group.code == TASK_BUDGET:
            return self._places()
        silence = self._silence()
        return f"{silence.reason} until {silence.until:%Y-%m-%d %H:%M} UTC" if silence else "the next run takes them up"

    def _alert(self, group: Waiting, why: str) -> None:
        if self._aside.alert(_key(group), why, group.people, self._report.run, self._now):
            self._report.alerts.append(f"{counted(group.people, 'person waits', 'people wait')} for a review: {why}")
            log.warning("changes set aside for review", cause=group.cause, people=group.people, run=self._report.run)

    def _tell_plan(self) -> None:
        """A plan sets nobody aside: it says what the guard would do."""
        for (code, cause), why in self._said.items():
            people = sum(1 for one in self._work.every(self._report.run, PARKED) if _waits(one, code, cause))
            self._report.parked.append(self._line(cause, people, why, self._now))

    def _line(self, cause: str, people: int, why: str, since: datetime, run: int | None = None) -> dict[str, str]:
        told = {"cause": cause, "people": str(people), "why": why, "since": since.isoformat().replace("+00:00", "Z")}
        return {**told, "run": str(self._report.run if run is None else run)}


def _pages(changes: Iterable[PlannedChange]) -> Iterator[list[PlannedChange]]:
    """A flood is what the guard is for: so many changes at a time."""
    several = iter(changes)
    while some := list(islice(several, PAGE)):
        yield some


def _may_pass(one: PlannedChange, silence: Silence) -> bool:
    return silence.except_fast_track and one.cause.startswith("fast_track.")


def _waiter(one: PlannedChange, run: int, cause: str, code: str, until: datetime | None) -> SetAside:
    tasks = len(one.body["tasks"])
    return SetAside(one.person_id, run, cause, code, one.body["owner_id"], one.urgency, tasks, until=until)


def _look_again(one: PlannedChange) -> tuple[datetime | None, datetime | None]:
    after = one.body["after"]
    route, score = after["route_next_at"], after["score_next_at"]
    return (datetime.fromisoformat(route) if route else None, datetime.fromisoformat(score) if score else None)


def _key(group: Waiting) -> str:
    return f"{group.code}:{group.cause}"


def _waits(one: PlannedChange, code: str, cause: str) -> bool:
    return one.code == code and (cause in BY_ITSELF or one.cause == cause)
