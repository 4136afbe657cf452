"""The run that undoes another one, beside the loop: look, tell, agree, write."""

from __future__ import annotations

from connector.errors import GuardRefused
from connector.ledger.work import PlannedChange
from connector.sync.apply import Apply
from connector.sync.guarding import Guarding
from connector.sync.look import Look
from connector.sync.pull import Pull
from connector.sync.reverting import Reverting
from connector.sync.session import Order, Report, Session


def undo(session: Session, order: Order, report: Report, pull: Pull, guarding: Guarding) -> None:
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


def finish_undoing(session: Session, order: Order, report: Report, pull: Pull) -> None:
    """Before any other work: what a revert had begun to write when it died is carried to its end."""
    begun: dict[int, list[PlannedChange]] = {}
    for row in session.ledger.work.undoing():
        begun.setdefault(row.run, []).append(row)
    for run, rows in begun.items():
        of_then = Order("revert", order.as_of, undoes=rows[0].body["undoes"]["run"])
        told = Report(run, report.connection, report.mode, report.started_at, report.as_of, report.fingerprint)
        look = Look(session, of_then, told)
        reverting = Reverting(session, of_then, told, look.who, report.run)
        pull.read("contact", [row.person_id for row in rows], counted=False)
        again, ends = reverting.standing_of(rows)
        with session.ledger.transaction():
            session.still_mine()
            session.ledger.work.conclude(run, [(id, *end) for id, end in ends.items()], session.now())
        Apply(session, told, look, pull, reverting=reverting).carry_on(again)
