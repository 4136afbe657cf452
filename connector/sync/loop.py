"""
One run: read, look, guard, write, report.

`run` is the story; everything it tells happens in the rooms beside it. A run that dies at any line is healed by the
next one: what was read is in the mirror, who must be looked at is dirty, what was about to be written is intended.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, timedelta

from connector.errors import ConnectorError, Deferred, GuardRefused
from connector.model import ALWAYS
from connector.plan import from_json, guard, over_task_budget
from connector.sync.apply import Apply
from connector.sync.backwards import Backwards
from connector.sync.look import Look, candidates
from connector.sync.pull import Pull
from connector.sync.session import Order, Report, Session

TASK_BUDGET = "task budget"


def run(session: Session, order: Order) -> Report:
    """Bring the CRM in line with the agreement for everybody this order concerns."""
    with _lease(session):
        order, report = _start(session, order)
        try:
            _work(session, order, report)
        except Deferred as error:
            report.status, report.message = "deferred", str(error)
        except ConnectorError as error:
            report.status, report.message = _failed(error), str(error)
            _finish(session, order, report)
            raise
        except KeyboardInterrupt:
            report.status, report.message = "failed", "stopped by hand; the next run goes on from the last commit"
            _finish(session, order, report)
            raise
        _finish(session, order, report)
    return report


def _work(session: Session, order: Order, report: Report) -> None:
    pull = Pull(session, report, with_history=order.with_history)
    look = Look(session, order, report)
    if order.write and session.mode != "observe":
        Backwards(session, report).finish_open()
    _read(session, order, pull, report)
    _remember_circumstances(session)
    _wake(session, order)
    total = _to_look_at(session, order)
    for chunk in candidates(session, order):
        session.still_mine()
        look.settle_or_plan(look.at(tuple(chunk), chunk))
        session.progress("looked at", report.counts["looked_at"], total)
    _compare_with_review(session, order, report)
    _guard(session, order, report)
    if order.write and session.mode != "observe":
        Apply(session, report, look, pull).everything(_planned(session, report))


# -- reading ------------------------------------------------------------------------------------------------------


def _read(session: Session, order: Order, pull: Pull, report: Report) -> None:
    """Everything, what changed, or the people named."""
    runs = session.ledger.runs
    if order.due_only:
        return
    if order.everything:
        pull.everything()
        runs.drop_cursors("scan")
        if order.verb == "backfill" and order.within is None:
            session.ledger.mirror.mark_all_dirty()
    elif order.verb != "apply":
        pull.changes()
    if order.only is not None:
        pull.read("contact", order.only)
        strangers = session.ledger.mirror.unknown("contact", order.only)
        report.count("looked_at", len(strangers))
        report.count("gone", len(strangers))
        if strangers:
            report.warnings.append(f"not in the CRM: contact {', '.join(strangers[:5])}")


def _remember_circumstances(session: Session) -> None:
    """Another agreement, wiring, mode, go-live or scope: everybody is looked at again, mark and memory at once."""
    settings, agreement = session.settings, session.agreement
    go_live = settings.go_live
    parts = (
        agreement.fingerprint,
        agreement.wiring.fingerprint,
        session.mode,
        "" if go_live is None else "always" if go_live == ALWAYS else go_live.isoformat(),
        session.scope.meaning,
    )
    circumstances = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
    if session.ledger.runs.connection().circumstances == circumstances:
        return
    with session.ledger.transaction():
        session.ledger.mirror.mark_all_dirty()
        session.ledger.runs.note_circumstances(circumstances, reads_of(session))


def reads_of(session: Session) -> dict[str, list[str]]:
    """Which properties the mirror holds per kind: where the agreement asks for another, it must be read first."""
    return {kind: list(session.fields.properties(kind)) for kind in session.agreement.wiring.fields}


def must_read_everything(session: Session) -> bool:
    """Whether an incremental run would decide on less than the agreement asks for."""
    known = session.ledger.runs.connection().reads
    if known is None:
        return True
    return any(not set(names) <= set(known.get(kind, ())) for kind, names in reads_of(session).items())


def _wake(session: Session, order: Order) -> None:
    """Those whose decision changes by the passing of time: routes at once, displayed scores once a day."""
    session.ledger.people.wake(order.as_of, scores=False)
    zone = session.agreement.zone
    hour, minute = (int(part) for part in session.agreement.write_back.scores_at.split(":"))
    local = order.as_of.astimezone(zone)
    moment = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if moment > local:
        moment -= timedelta(days=1)
    served = session.ledger.runs.cursor("scores")
    due = moment.astimezone(UTC).isoformat()
    if served is None or served < due:
        with session.ledger.transaction():
            session.ledger.people.wake(order.as_of, scores=True)
            session.ledger.runs.move_cursor("scores", due)


# -- the guard ------------------------------------------------------------------------------------------------------


def _guard(session: Session, order: Order, report: Report) -> None:
    """Look at the whole run before its first write; set aside what is too much, cause by cause."""
    work, run_number = session.ledger.work, report.run
    if not order.release and order.expected is None:
        day = session.now() - timedelta(days=1)
        parkings = guard(
            work.by_cause(run_number),
            session.settings.limits,
            looked_at=report.counts["looked_at"],
            written_today=work.counted_since(day),
        )
        known = _parked_before(session, run_number)
        report.parked_again = bool(parkings) and {one.cause for one in parkings} <= known
        for parking in parkings:
            people = work.park(run_number, parking.cause, parking.code, parking.message)
            report.parked.append({"cause": parking.cause, "people": str(people), "why": parking.message})
    _guard_tasks(session, report)
    if order.canary is not None:
        _keep_canary(session, report, order.canary)
    report.blank_for_a_moment = sum(1 for one in work.every(run_number, "planned") if one.body.get("backwards"))


def _parked_before(session: Session, run_number: int) -> set[str]:
    """The causes that the last run set aside already: those are no news."""
    before = [one for one in session.ledger.runs.recent(2) if one.number < run_number][:1]
    return {parked["cause"] for one in before for parked in one.report.get("parked", [])}


def _guard_tasks(session: Session, report: Report) -> None:
    """Hand-offs beyond today's task budget wait whole, stage and all, the most urgent going first."""
    work = session.ledger.work
    planned = [one for one in work.every(report.run, "planned") if one.body["tasks"]]
    planned.sort(key=lambda one: (-one.urgency, one.person_id))
    sent = work.tasks_since(session.now() - timedelta(days=1))
    wanted = ((one.person_id, one.body["owner_id"], len(one.body["tasks"])) for one in planned)
    waiting = over_task_budget(wanted, sent, session.settings.tasks)
    if not waiting:
        return
    budget = session.settings.tasks
    message = (
        f"{len(waiting)} hand-offs wait: tasks.per_owner_per_day = {budget.per_owner_per_day}, tasks.per_day ="
        f" {budget.per_day} are spent"
    )
    results = [(person_id, "parked", "task_budget", message) for person_id in waiting]
    work.conclude(report.run, results, session.now())
    report.parked.append({"cause": TASK_BUDGET, "people": str(len(waiting)), "why": message})


def _keep_canary(session: Session, report: Report, size: int) -> None:
    """Write to a few first; the others stay as they are until the next run."""
    work = session.ledger.work
    first = {one.person_id for one in work.planned(report.run, limit=size)}
    rest = [one.person_id for one in work.every(report.run, "planned") if one.person_id not in first]
    results = [(person_id, "parked", "canary", "left for the next run by --canary") for person_id in rest]
    work.conclude(report.run, results, session.now())
    if rest:
        report.parked.append({"cause": "canary", "people": str(len(rest)), "why": f"--canary {size}: the rest waits"})


def _compare_with_review(session: Session, order: Order, report: Report) -> None:
    """`apply FILE` writes exactly what was reviewed, or nothing."""
    if order.expected is None:
        return
    now = {one.person_id: _essence(one.body) for one in session.ledger.work.every(report.run)}
    reviewed = {id: _essence(body) for id, body in order.expected.items()}
    if now == reviewed:
        return
    moved = sorted({id for id in {*now, *reviewed} if now.get(id) != reviewed.get(id)})
    results = [(id, "superseded", "plan_moved", "the record no longer is as reviewed") for id in now]
    session.ledger.work.conclude(report.run, results, session.now())
    raise GuardRefused(
        f"{len(moved)} of {len(reviewed)} people in this plan are no longer as they were reviewed (for example contact"
        f" {', '.join(moved[:3])}). Nothing was written. Make and review a new plan: connector plan -o FILE"
    )


def _essence(body: object) -> object:
    """What a reviewer agreed to: the values and the task, not the wording of reasons."""
    change = from_json(body)  # type: ignore[arg-type]  # the ledger and the plan file hold what to_json made
    tasks = [(task.lead_type, task.cycle, task.rule) for task in change.tasks]
    return [(one.property, one.before, one.after) for one in change.sets], tasks


def _to_look_at(session: Session, order: Order) -> int:
    """At most so many, for whoever watches."""
    if order.only is not None:
        return len(order.only)
    mirror = session.ledger.mirror
    return mirror.count("contact") if order.within is not None else mirror.waiting()


def _planned(session: Session, report: Report) -> int:
    return session.ledger.work.states(report.run).get("planned", 0)


# -- the frame ------------------------------------------------------------------------------------------------------


@contextmanager
def _lease(session: Session) -> Iterator[None]:
    session.fence = session.ledger.runs.take_lease(session.worker, session.now())
    try:
        yield
    finally:
        session.ledger.runs.drop_lease(session.fence)


def _start(session: Session, order: Order) -> tuple[Order, Report]:
    """A new run, or the interrupted full scan that goes on where it stopped, at its own instant."""
    runs, now = session.ledger.runs, session.now()
    resumed = runs.unfinished_backfill() if order.everything and order.resume else None
    if resumed is not None:
        number, order = resumed.number, replace(order, as_of=resumed.as_of)
    else:
        number = runs.start(order.verb, session.mode, order.as_of, now, session.agreement.fingerprint)
        if order.everything:
            with session.ledger.transaction():
                runs.drop_cursors("scan")
                runs.move_cursor("scan", str(number))
    report = Report(number, session.ledger.connection, session.mode, now, order.as_of, session.agreement.fingerprint)
    if session.settings.go_live is None and session.settings.mode != "observe":
        report.warnings.append("go_live is not set: the connector only observes")
    return order, report


def _failed(error: ConnectorError) -> str:
    return "refused" if isinstance(error, GuardRefused) else "failed"


def _finish(session: Session, order: Order, report: Report) -> None:
    """Close the run: counts from what really became of the changes, calls, and how far reading got."""
    states = session.ledger.work.states(report.run)
    for name in ("written", "parked", "rejected", "gone", "unknown"):
        report.counts[name] += states.get(name, 0)
    report.counts["unchanged"] += states.get("unchanged", 0)
    if order.write:  # what this run leaves to the next one: its end is not known yet
        report.counts["unknown"] += sum(states.get(name, 0) for name in ("superseded", "deferred", "planned"))
    calls = session.crm.calls
    report.calls, report.retries, report.throttled = dict(calls.by_class), calls.retries, calls.throttled
    report.complete_until = session.ledger.runs.complete_until()
    report.finished_at = session.now()
    report.seconds = (report.finished_at - report.started_at).total_seconds()
    if report.status == "running":
        report.status = _status(report, writes=order.write, rejects=bool(session.ledger.work.rejects()))
    session.ledger.runs.finish(report.run, report.status, report.finished_at, report.to_json())


def _status(report: Report, *, writes: bool, rejects: bool) -> str:
    """How a run ended. A plan refuses nothing: it shows what the guard would. A reject stays on the report until it
    is mended, so that nobody is set aside in silence."""
    counts = report.counts
    if not writes:
        return "partial" if counts["rejected"] else "done"
    news = not report.parked_again and any(one["cause"] != TASK_BUDGET for one in report.parked)
    if counts["parked"] and not counts["written"] and news:
        return "refused"
    if counts["parked"] or counts["rejected"] or counts["unknown"] or rejects:
        return "partial"
    return "done"
