"""The run that undoes another one, beside the loop: look, tell, agree, write."""

from __future__ import annotations

from connector.errors import GuardRefused, UsageError
from connector.ledger.work import PlannedChange
from connector.sync.apply import Apply
from connector.sync.guarding import Guarding
from connector.sync.look import Look
from connector.sync.pull import Pull
from connector.sync.reverting.planning import Reverting
from connector.sync.session import Order, Report, Session

#: Verbs of runs that leave the CRM as it is.
_WRITE_NOTHING = ("plan", "report", "forget")


def refuse(session: Session, number: int) -> None:
    """What cannot be undone at all is told before anything is begun. Raises UsageError."""
    found = session.ledger.runs.find(number)
    if found is None:
        raise UsageError(f"Run {number} is not known. See: connector runs")
    if found.verb == "revert":
        raise UsageError(
            f"Run {number} undid another run. What it put back is written again once it is let go of:"
            " connector holds release ID"
        )
    if found.verb in _WRITE_NOTHING:
        raise UsageError(f"Run {number} ({found.verb}) wrote nothing to the CRM: there is nothing to undo.")


def refuse_when_observing(session: Session) -> None:
    """Who only observes writes nothing back either. Raises GuardRefused."""
    if session.mode == "observe":
        raise GuardRefused('This connection only observes. Set go_live and mode = "live" (or "scores") to undo a run.')


def revert(session: Session, order: Order, report: Report, pull: Pull, guarding: Guarding) -> None:
    """Plan what is to be put back, have somebody agree to it, and write it."""
    look = Look(session, order, report)
    reverting = Reverting(session, order, report, look.who)
    survey = reverting.plan()
    session.go_on(writing=order.write)
    agreed = order.agree(survey)
    if not order.write or not survey.undoes:
        return
    if not agreed:
        raise GuardRefused("Nobody agreed to it. Nothing was written.")
    guarding.before_writing()
    Apply(session, report, look, pull, reverting=reverting).everything(survey.undoes, guarding.still)


def finish_reverts(session: Session, order: Order, report: Report, pull: Pull) -> None:
    """Before any other work: what a revert had begun to write when it died is carried to its end."""
    work = session.ledger.work
    pull.read("contact", sorted({row.person_id for row in work.undoing()}), counted=False)
    begun: dict[int, list[PlannedChange]] = {}
    for row in work.undoing():  # whoever was met as merged just now has given theirs to the record that is left
        begun.setdefault(row.run, []).append(row)
    for run, rows in begun.items():
        of_then = Order("revert", order.as_of, undoes=rows[0].body["undoes"]["run"])
        told = Report(run, report.connection, report.mode, report.started_at, report.as_of, report.fingerprint)
        look = Look(session, of_then, told)
        reverting = Reverting(session, of_then, told, look.who, report.run)
        again, ends = reverting.standing_of(rows)
        with session.ledger.transaction():
            session.still_mine()
            work.conclude(run, [(id, *end) for id, end in ends.items()], session.now())
        Apply(session, told, look, pull, reverting=reverting).carry_on(again)
