"""
One run: read, look, guard, write, report.

`run` is the story; everything it tells happens in the rooms beside it. A run that dies at any line is healed by the
next one: what was read is in the mirror, who must be looked at is dirty, what was about to be written is intended.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connector import codes
from connector.errors import Busy, ConfigError, ConnectorError, Deferred, GuardRefused, Problem
from connector.fields.places import is_on_lead
from connector.ledger.aside import EMPTIED
from connector.ledger.work import PlannedChange
from connector.plan import from_json
from connector.sync import asking, circumstances, frame, resuming
from connector.sync.apply import Apply
from connector.sync.backwards import Backwards
from connector.sync.emptied import Emptied
from connector.sync.freshness import as_reviewed
from connector.sync.guarding import Guarding
from connector.sync.lease import holding
from connector.sync.look import REHEARSED, Look
from connector.sync.owners import tell_unrouted
from connector.sync.pull import Pull
from connector.sync.quarantine import Quarantine
from connector.sync.reconcile import sweeps
from connector.sync.reverting.running import finish_reverts, refuse_when_observing, revert
from connector.sync.session import Order, Report, Session
from connector.sync.sweeping import Sweeps
from connector.sync.whom import candidates

#: How long plans that were only shown and runs in which nothing happened are remembered.
KEPT = timedelta(days=30)


def run(session: Session, order: Order) -> Report:
    """Bring the CRM in line with the agreement for everybody this order concerns."""
    with holding(session):
        session.crm.priority = "backfill" if order.everything else "incremental"
        frame.refuse_unsigned(session, order)
        order, report = frame.start(session, order)
        try:
            _work(session, order, report)
        except Deferred as error:
            report.status, report.code, report.message = "deferred", codes.of(error), str(error)
        except Busy:
            raise  # another run took over, and has told already how this one ended
        except ConnectorError as error:
            report.status, report.code, report.message = frame.failed(error), codes.of(error), str(error)
            frame.finish(session, order, report)
            error.report = report.to_json()
            raise
        except KeyboardInterrupt:
            report.status, report.code = "failed", "stopped"
            report.message = "stopped by hand; the next run goes on from the last commit"
            frame.finish(session, order, report)
            raise
        frame.finish(session, order, report)
    return report


def _work(session: Session, order: Order, report: Report) -> None:
    if order.undoes is not None:
        refuse_when_observing(session)
    writing = order.write and session.mode != "observe"
    pull = Pull(session, report, with_history=order.with_history)
    guarding = Guarding(session, order, report)
    if writing and not session.ledger.runs.paused(session.now()):
        Backwards(session, report).finish_open()
        finish_reverts(session, order, report, pull)
    _read(session, order, pull, report)
    if writing:
        session.go_on(writing=True)
        Backwards(session, report).finish_merged()
    circumstances.remember(session, order)
    if order.verb == "report":
        return  # who reports looks for itself, and leaves everybody to be looked at
    if order.undoes is not None:
        revert(session, order, report, pull, guarding)
        return
    look = Look(session, order, report)
    circumstances.wake(session, order)
    if order.only is None and order.within is None:
        Quarantine(session).call_back(pull)
    if writing:
        guarding.call_back()
    waiting = _whose_fields_are_empty(session, order, report, pull, guarding)
    total = _to_look_at(session, order)
    for chunk in candidates(session, order):
        session.go_on()
        session.still_mine()
        believed = {id: mark for id, mark in chunk.items() if id not in waiting} if waiting else chunk
        look.settling.settle_or_plan(look.at(tuple(believed), believed))
        session.progress("looked at", report.counts["looked_at"], total)
    _refuse_empty_scope(session, look)
    _rehearsed(look, order, report)
    tell_unrouted(look.settling.unrouted, report)
    _compare_with_review(session, order, report)
    look.reversals.tell()
    _guard(session, order, report, guarding)
    if writing:
        apply = Apply(session, report, look, pull, reviewed=_reviewed(order))
        apply.everything(_planned(session, report), guarding.still)
        look.reversals.tell()
        _tell_who_moved(session, order, report)
    if order.verb == "sync":
        _tidy(session)


# -- reading ------------------------------------------------------------------------------------------------------


def _read(session: Session, order: Order, pull: Pull, report: Report) -> None:
    """Everything, what changed, or the people named."""
    if order.due_only:
        return
    if order.everything:
        pull.compares = not asking.must_read_everything(session)
        resuming.read_everything(session, order, report, pull)
    elif order.verb != "apply":
        pull.changes()
        if order.verb == "sync":
            with session.calling_as("reconcile"):
                Sweeps(session, report, session.kinds(), sweeps(session, report, pull)).go_on()
    if order.only is not None:
        pull.read("contact", order.only)
        pull.read_leads_of(order.only)
        named = session.ledger.forgotten.without("contact", order.only)
        if len(named) < len(order.only):
            report.warnings.append(f"{len(order.only) - len(named)} of those named were forgotten and are left alone")
        strangers = session.ledger.mirror.unknown("contact", named)
        report.count("looked_at", len(strangers))
        report.count("gone", len(strangers))
        if strangers:
            report.warnings.append(f"not in the CRM: contact {', '.join(strangers[:5])}")


def _whose_fields_are_empty(
    session: Session, order: Order, report: Report, pull: Pull, guarding: Guarding
) -> frozenset[str]:
    """The people nobody is to decide on, because what their records hold cannot be read at present."""
    emptied = Emptied(session, order, report, pull)
    if order.release:
        emptied.release(order.only or ())
    if order.verb not in ("sync", "backfill", "plan"):
        return frozenset()
    waiting = emptied.look()
    guarding.tells(EMPTIED, emptied.why)
    return waiting


def _tidy(session: Session) -> None:
    """Once a day, what nobody will ask for any more is forgotten."""
    now, cursors = session.now(), session.ledger.cursors
    today = now.date().isoformat()
    if cursors.of("tidied") != today:
        with session.ledger.transaction():
            session.ledger.tidy(now - KEPT)
            cursors.move("tidied", today)


# -- the guard ------------------------------------------------------------------------------------------------------


def _guard(session: Session, order: Order, report: Report, guarding: Guarding) -> None:
    """Look at the whole run before its first write; what is too much waits."""
    guarding.before_writing()
    guarding.tell()
    if Backwards(session, report).leaves_blank():
        report.blank_for_a_moment = sum(1 for one in session.ledger.work.every(report.run, "planned") if _clears(one))


def _clears(one: PlannedChange) -> bool:
    sets = one.body["sets"]
    return bool(one.body.get("backwards")) and any(
        field == "stage" and not is_on_lead(name) for field, name, *_ in sets
    )


def _refuse_empty_scope(session: Session, look: Look) -> None:
    """A scope that admits nobody at all is a mistake in the file, and not an account where all is well."""
    known = session.ledger.mirror.count("contact")
    if look.admitted or not known or look.left_out < known:
        return
    session.ledger.runs.note_circumstances("")  # so that the next run refuses as well
    where = f"connections.{session.ledger.connection}.scope"
    what = f"matches nobody: all {known:,} people of the account are outside it, or in never_touch."
    raise ConfigError(
        [Problem(where, what, "Look at the values the CRM has: connector discover. Nothing was written.")]
    )


def _compare_with_review(session: Session, order: Order, report: Report) -> None:
    """`apply FILE` writes exactly what was reviewed, or nothing."""
    if order.expected is None:
        return
    if order.clean_up is not None:
        _leave_out_who_moved(session, order.expected, report)
        return
    met = 0
    moved = []
    for one in session.ledger.work.every(report.run):
        met += one.person_id in order.expected
        if not as_reviewed(from_json(one.body), order.expected.get(one.person_id)):
            moved.append(one.person_id)
    if not moved and met == len(order.expected):
        return
    moved = sorted({*moved, *_missing(session, report, order.expected)})
    _supersede(session, report, "the record no longer is as reviewed")
    raise GuardRefused(
        f"{len(moved)} of {len(order.expected)} people in this plan are no longer as they were reviewed (for example"
        f" contact {', '.join(moved[:3])}). Nothing was written. Make and review a new plan: connector plan -o FILE"
    )


def _missing(session: Session, report: Report, expected: Mapping[str, Any]) -> set[str]:
    """Those of whom a person expects a change, and who need none by now."""
    return expected.keys() - {one.person_id for one in session.ledger.work.every(report.run)}


def _supersede(session: Session, report: Report, why: str) -> None:
    """Nothing of this run is written."""
    now = [(one.person_id, "superseded", "plan_moved", why) for one in session.ledger.work.every(report.run)]
    session.ledger.work.conclude(report.run, now, session.now())


def _leave_out_who_moved(session: Session, expected: Mapping[str, Any], report: Report) -> None:
    """A clean-up is written over days, in which scores go on fading: what was agreed to is the move. Whoever would
    move otherwise by now is left as they are."""
    people, moved = 0, []
    for one in session.ledger.work.every(report.run):
        people += 1
        if _moves(one.body) != _moves(expected[one.person_id]):
            moved.append(one.person_id)
    results = [(id, "superseded", "plan_moved", "no longer as reviewed") for id in moved]
    session.ledger.work.conclude(report.run, results, session.now())
    others = len(expected) - people + len(moved)
    if others:
        report.warnings.append(f"{others} of the {len(expected)} people reviewed are done, or no longer as reviewed")


def _moves(body: object) -> object:
    return [(move.what, move.before, move.after) for move in from_json(body).moves]  # type: ignore[arg-type]  # as below


def _reviewed(order: Order) -> Mapping[str, Any] | None:
    """The changes that alone may be written; of a clean-up people have agreed to the move, not to each number."""
    return None if order.clean_up is not None else order.expected


def _tell_who_moved(session: Session, order: Order, report: Report) -> None:
    """Records that changed after the review, while the others were being written: they are left as they are."""
    if _reviewed(order) is None:
        return
    moved = [one.person_id for one in session.ledger.work.every(report.run) if one.code == "plan_moved"]
    if moved:
        report.warnings.append(
            f"{len(moved)} of {report.counts['changed']} people changed while the plan was being written and were left"
            f" as they are (for example contact {', '.join(moved[:3])})"
        )


def _rehearsed(look: Look, order: Order, report: Report) -> None:
    if order.rehearses:
        report.would_hand_over_a_day = round(look.would_hand_over / REHEARSED.days, 2)


def _to_look_at(session: Session, order: Order) -> int:
    """At most so many, for whoever watches."""
    if order.only is not None:
        return len(order.only)
    mirror = session.ledger.mirror
    return mirror.count("contact") if order.within is not None else mirror.waiting()


def _planned(session: Session, report: Report) -> int:
    return session.ledger.work.states(report.run).get("planned", 0)
