"""
How a run begins and how it ends: what is unsigned is refused, an interrupted scan is taken up, and whatever became of
the work is counted from what the ledger holds.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from connector.errors import ConnectorError, GuardRefused
from connector.ledger.completeness import completeness
from connector.ledger.runs import RunRow
from connector.ledger.work import UNDOING
from connector.survey import differing_clocks
from connector.sync import resuming
from connector.sync.adding_up import refuse_unaccounted
from connector.sync.mending import Mending
from connector.sync.session import Order, Report, Session


def refuse_unsigned(session: Session, order: Order) -> None:
    """Nothing is begun that may not write: neither a call, nor a scan that the next run would go on with."""
    if not order.write or session.unsigned() is None:
        return
    now, agreement = session.now(), session.agreement.fingerprint
    number = session.ledger.begin_run(order.verb, session.mode, order.as_of, now, agreement)
    report = Report(number, session.ledger.connection, session.mode, now, order.as_of, agreement, status="refused")
    report.code, report.message = GuardRefused.code, session.signatures.refusal(now) or ""
    finish(session, order, report)
    error = GuardRefused(report.message)
    error.report = report.to_json()
    raise error


def start(session: Session, order: Order) -> tuple[Order, Report]:
    """A new run, or the interrupted full scan that goes on where it stopped."""
    now = session.now()
    resumed = resuming.unfinished(session, order) if order.everything and order.resume else None
    if resumed is not None:
        number, order = resumed.number, replace(order, as_of=_instant_of(resumed, session, order))
        session.ledger.work.plan_anew(number, now)
    else:
        number = session.ledger.begin_run(order.verb, session.mode, order.as_of, now, session.agreement.fingerprint)
        if order.everything:
            resuming.begin(session, number)
    report = Report(number, session.ledger.connection, session.mode, now, order.as_of, session.agreement.fingerprint)
    report.taken_up_at = None if resumed is None else now
    if session.settings.go_live is None and session.settings.mode != "observe":
        report.warnings.append("go_live is not set: the connector only observes")
    report.warnings += session.signatures.notes(now)
    return order, report


def _instant_of(resumed: RunRow, session: Session, order: Order) -> datetime:
    """As of when a run that goes on decides: as of its own instant, like everybody it has decided on already; but where
    other runs have decided since, that is no future to it."""
    latest = session.ledger.runs.recent(1)[0]
    return resumed.as_of if latest.number == resumed.number else max(order.as_of, resumed.as_of)


def failed(error: ConnectorError) -> str:
    return "refused" if isinstance(error, GuardRefused) else "failed"


def finish(session: Session, order: Order, report: Report) -> None:
    """Close the run: counts from what really became of the changes, calls, and how far reading got."""
    states = session.ledger.work.states(report.run, report.taken_up_at)
    for name in ("written", "parked", "rejected", "gone", "unknown"):
        report.counts[name] += states.get(name, 0)
    report.counts["unchanged"] += states.get("unchanged", 0)
    if order.write:  # what this run leaves to the next one: its end is not known yet
        report.counts["unknown"] += sum(states.get(name, 0) for name in ("superseded", "deferred", "planned", UNDOING))
    calls = session.crm.calls
    report.calls, report.retries, report.throttled = dict(calls.by_class), calls.retries, calls.throttled
    report.warnings += map(str, differing_clocks(session.crm, session.now()))
    if order.write:
        session.ledger.rejects.forget_gone()
    report.set_aside = session.ledger.rejects.by_code()
    report.finished_at = session.now()
    if order.everything and report.status == "running":
        session.ledger.cursors.note_drift(report.drift)
    complete = completeness(session.ledger.cursors, report.drift)
    report.complete_until, report.completeness = complete.until, complete.to_json(report.finished_at)
    report.seconds = (report.finished_at - report.started_at).total_seconds()
    if report.status == "running":
        rejects = order.undoes is None and bool(report.set_aside)
        report.status = _status(report, writes=order.write, rejects=rejects)
    if report.status != "failed":
        refuse_unaccounted(session, order, report)
    if order.write:
        Mending(session, report).tell(report.set_aside, report.finished_at)
    with session.ledger.transaction():
        session.ledger.runs.finish(report.run, report.status, report.finished_at, report.to_json())
        resuming.end(session, order, report)


def _status(report: Report, *, writes: bool, rejects: bool) -> str:
    """How a run ended. A plan refuses nothing: it shows what the guard would. A reject stays on the report until it
    is mended, so that nobody is set aside in silence."""
    counts = report.counts
    if not writes:
        return "partial" if counts["rejected"] or report.incomplete else "done"
    if report.alerts and not counts["written"]:
        return "refused"
    missing = report.incomplete or report.unseen or rejects
    if missing or report.parked or counts["parked"] or counts["rejected"] or counts["unknown"]:
        return "partial"
    return "done"
