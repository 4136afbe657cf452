"""
What happens when: planned runs, the timer that wakes those whose time has come, reload, stop.

APScheduler says when. A tick that comes while the connection's run before is still going is left out and counted; one
that comes late, because the machine slept or the pool was full, runs once, however many it stands for.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_SUBMITTED
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from connector.daemon.line import Line, Served, missed_before, waits_for
from connector.daemon.notice import Notice
from connector.daemon.telling import log_run, told
from connector.errors import Busy, Deferred
from connector.log import bound, get_logger
from connector.sync import Order, Report, Session, run
from connector.sync.asking import must_read_everything

#: How many connections may run side by side.
THREADS = 8

#: Between a run and the next that only serves those whose time has come.
APART = timedelta(seconds=60)

#: A planned instant that lies so far back means that the scheduler does not look at its clock any more.
STUCK = timedelta(minutes=5)

#: However late a tick comes, it runs; those it stands for are one. (So APScheduler never calls one missed: what
#: coalescing swallowed and what came while the run before was going is counted in `Daemon._submitted`.)
_LATE_IS_FINE: Mapping[str, Any] = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}

log = get_logger(__name__)


class Daemon:
    """Serves what `load` gives: at the start, and again at every reload. `load` raises ConnectorError to refuse."""

    def __init__(
        self,
        load: Callable[[], Mapping[str, Served]],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        scheduler: Any = None,
    ) -> None:
        self._load = load
        self._now = now
        self._scheduler = scheduler or BackgroundScheduler(
            timezone=UTC, executors={"default": ThreadPoolExecutor(THREADS)}
        )
        self._lines: dict[str, Line] = {}
        self._under_way: dict[int, str] = {}  # thread -> connection
        self._stopping = threading.Event()

    # -- the life of a daemon ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to serve. Raises ConnectorError when there is nothing that can be served."""
        wanted = dict(self._load())
        missed = self._missed(wanted)
        self._scheduler.add_listener(self._submitted, EVENT_JOB_SUBMITTED | EVENT_JOB_MAX_INSTANCES)
        self._scheduler.start(paused=True)
        for name, served in wanted.items():
            self._add(name, served, missed[name])
        self._scheduler.resume()
        log.info("daemon started", connections=", ".join(wanted))

    def reload(self) -> None:
        """Serve what the files say now; if anything is wrong with them, go on as before and say what."""
        try:
            wanted = dict(self._load())
            missed = self._missed(wanted)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the new files, the old ones go on
            self._refuse(told("configuration refused", error))
            return
        for name in self._lines.keys() - wanted.keys():
            self._remove(name)
        for name, served in wanted.items():
            if name in self._lines:
                self._replace(self._lines[name], served)
            else:
                self._add(name, served, missed[name])
        log.info("configuration loaded", connections=", ".join(wanted))

    def stop(self) -> None:
        """Begin nothing more; runs under way end with their batch."""
        log.info("stopping", under_way=", ".join(self.under_way()))
        self._stopping.set()
        self._scheduler.pause()

    def close(self) -> None:
        """Leave, once nothing is under way."""
        self._scheduler.shutdown()
        for line in self._lines.values():
            with line.writing:
                line.notice.stopped_at = self._now()
            self._leave_word(line)
        log.info("daemon stopped")

    def under_way(self) -> tuple[str, ...]:
        """The connections that are being worked on."""
        return tuple(sorted(set(self._under_way.copy().values())))

    def alive(self) -> bool:
        """Let the scheduler look at the clock, and tell whether it still does."""
        planned = [job.next_run_time for job in self._scheduler.get_jobs()]
        self._scheduler.wakeup()
        return all(at is None or at > self._now() - STUCK for at in planned)

    # -- connections come, change and go -------------------------------------------------------------------------------

    def _missed(self, wanted: Mapping[str, Served]) -> dict[str, int]:
        """Of those that are new, how many runs passed while nobody served them; whose state cannot be opened is told
        before anything is changed. Raises LedgerError."""
        found = {}
        for name in wanted.keys() - self._lines.keys():
            with wanted[name].ledger() as ledger:
                found[name] = missed_before(ledger, wanted[name].schedule, self._now())
        return found

    def _add(self, name: str, served: Served, missed: int) -> None:
        """A first run at once where runs come every so often; where cron says when, only for those who are due."""
        now, schedule = self._now(), served.schedule
        line = self._lines[name] = Line(name, served, Notice(f"{socket.gethostname()}:{os.getpid()}", now))
        first = {"next_run_time": now} if schedule.every is not None else {}
        job = self._scheduler.add_job(
            self._planned, schedule.trigger(), args=[line], id=name, name=name, **_LATE_IS_FINE, **first
        )
        with line.writing:
            line.notice.miss(missed, now)
            self._plan_notice(line, job)
        self._leave_word(line)
        if not first:
            self._set_due(line, now)

    def _replace(self, line: Line, served: Served) -> None:
        changed = line.served.schedule != served.schedule
        line.served = served
        if changed:
            self._scheduler.reschedule_job(line.name, trigger=served.schedule.trigger())
        with line.writing:
            line.notice.refuse((), self._now())
            self._plan_notice(line, self._scheduler.get_job(line.name))
        self._leave_word(line)

    def _remove(self, name: str) -> None:
        line = self._lines.pop(name)
        with suppress(JobLookupError):
            self._scheduler.remove_job(name)
        with line.writing:
            line.notice.stopped_at = self._now()
        self._leave_word(line)

    def _refuse(self, problems: tuple[str, ...]) -> None:
        log.warning("the configuration before stays", problems=len(problems))
        for line in self._lines.values():
            with line.writing:
                line.notice.refuse(problems, self._now())
            self._leave_word(line)

    # -- ticks ---------------------------------------------------------------------------------------------------------

    def _planned(self, line: Line) -> None:
        with line.at_work:  # at most for as long as it takes to serve those who were due
            self._tick(line, due_only=False)

    def _due(self, line: Line, at: datetime) -> None:
        """The timer went off, unless it has been set to another instant, or a planned run is about to begin anyway."""
        if line.due_at != at:
            return
        line.due_at = None
        planned = line.notice.next_run_at
        if planned is not None and planned - self._now() < APART:
            return
        if line.at_work.acquire(blocking=False):  # else the run under way sets the timer anew
            try:
                self._tick(line, due_only=True)
            finally:
                line.at_work.release()

    def _tick(self, line: Line, *, due_only: bool) -> None:
        """One run, whose failure is nobody else's."""
        self._under_way[threading.get_ident()] = line.name
        message: str | None = None
        try:
            if self._gone(line):
                return
            with bound(connection=line.name):
                try:
                    waiting = self._work(line, due_only=due_only)
                except Busy as busy:
                    waiting = f"another run: {busy}"
                    log.info("run skipped", reason=str(busy))
                except Deferred as spent:
                    waiting = f"the quota: {spent}"
                    log.warning("connection waits", reason=waiting)
                except Exception as error:  # noqa: BLE001 - a mistake in one run must not stop the others
                    waiting, message = None, "; ".join(told("run failed", error))
                self._note_end(line, waiting, message)
        finally:
            del self._under_way[threading.get_ident()]

    def _work(self, line: Line, *, due_only: bool) -> str | None:
        """Run; returns what the connection waits for instead, if it does."""
        with line.served.session() as session:
            session.stopping = self._stopping.is_set
            if (waiting := waits_for(session)) is not None:
                if waiting != line.notice.waiting_for:
                    log.warning("connection waits", reason=waiting)
                return waiting
            everything = must_read_everything(session)
            if self._gone(line) or (due_only and everything):
                return None
            if everything:
                line.served.before_backfill(session)
            report = run(session, Order("sync", self._now(), everything=everything, due_only=due_only))
            log_run(report, due_only=due_only)
            self._plan_due(line, session, report)
        return None

    def _note_end(self, line: Line, waiting: str | None, message: str | None) -> None:
        """How a run ended; that it ended well again and again is no news."""
        with line.writing:
            news = message is not None or line.notice.last_error is not None or waiting != line.notice.waiting_for
            line.notice.waiting_for = waiting
            line.notice.fail(message, self._now())
        if news:
            self._leave_word(line)

    def _gone(self, line: Line) -> bool:
        return self._stopping.is_set() or self._lines.get(line.name) is not line

    def _plan_due(self, line: Line, session: Session, report: Report) -> None:
        """Set the timer to the soonest change that mere time brings, where that is before the next planned run."""
        changes = (session.memory.next_due(report.as_of), session.ledger.aside.next_end(report.as_of))
        soonest = min((at for at in changes if at is not None), default=None)
        planned = line.served.schedule.after(self._now())
        if soonest is None or (planned is not None and soonest >= planned):
            line.due_at = None
        else:
            self._set_due(line, max(soonest, self._now() + APART))

    def _set_due(self, line: Line, at: datetime) -> None:
        """A timer that was set before is left to go off for nothing: it knows its own instant."""
        if line.due_at != at:
            line.due_at = at
            self._scheduler.add_job(self._due, "date", run_date=at, args=[line, at], **_LATE_IS_FINE)

    # -- what others are told ------------------------------------------------------------------------------------------

    def _submitted(self, event: Any) -> None:
        """A planned instant came: its run begins, or is left out because the one before still goes."""
        line = self._lines.get(event.job_id)
        job = self._scheduler.get_job(event.job_id) if line is not None else None
        if line is None or job is None:
            return  # a due timer, or a connection that was just removed
        at, now = event.scheduled_run_times[-1], self._now()
        with line.writing:
            planned = line.notice.next_run_at
            missed = line.served.schedule.between(planned, at) if planned is not None else 0
            missed += event.code == EVENT_JOB_MAX_INSTANCES
            line.notice.miss(missed, now)
            self._plan_notice(line, job)
        if missed:
            log.warning("planned runs left out", connection=line.name, missed=missed)
        self._leave_word(line)

    def _plan_notice(self, line: Line, job: Any) -> None:
        line.notice.seen_at = self._now()
        line.notice.plan(line.served.schedule, job.next_run_time if job is not None else None)

    def _leave_word(self, line: Line) -> None:
        """Into the ledger; a ledger that cannot be written now is no reason to stop."""
        with line.writing:
            line.notice.seen_at = self._now()
            try:
                with line.served.ledger() as ledger:
                    ledger.runs.note_schedule(line.notice.to_json())
            except Exception as error:  # noqa: BLE001 - the scheduler's own thread comes by here
                with bound(connection=line.name):
                    told("schedule not noted", error)
