"""A run adds up: everybody it looked at has exactly one end (G6)."""

from __future__ import annotations

from connector.errors import Unaccounted
from connector.sync.session import Order, Report, Session

#: How people looked at can end, and what becomes of them in a run that writes nothing.
ENDS = ("written", "unchanged", "held", "parked", "rejected", "gone", "unknown")
SHOWN_ENDS = ("changed", "unchanged", "held", "rejected", "gone")


def refuse_unaccounted(session: Session, order: Order, report: Report) -> None:
    """Everybody looked at has exactly one end (G6). Raises Unaccounted, with the run noted as failed."""
    if order.verb == "report":
        return
    names = ENDS if order.write and session.mode != "observe" else SHOWN_ENDS
    ends = {name: report.counts[name] for name in names if report.counts[name]}
    if report.counts["looked_at"] == sum(ends.values()):
        return
    told = ", ".join(f"{number} {name}" for name, number in ends.items()) or "nobody has an end"
    error = Unaccounted(f"run {report.run} looked at {report.counts['looked_at']} people, and their ends are: {told}.")
    report.status, report.code, report.message = "failed", error.code, str(error)
    error.report = report.to_json()
    session.ledger.runs.finish(report.run, report.status, session.now(), error.report)
    raise error
