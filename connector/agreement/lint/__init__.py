"""
What is odd about an agreement that loads: every name is known and every value is in range, and still a rule is dead, a
stage out of reach, two moves undo each other, or nobody signed.

Pure: the agreement, where its keys stand, the signatures and the instant come in. An error is something that cannot be
meant; a warning is something that both sides should look at; a remark only helps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from connector.agreement.approvals import Approval, standing
from connector.agreement.lead_types import agreement_for
from connector.agreement.lint import fairness, formalities, moves, silence, stages, strength
from connector.agreement.lint.finding import SEVERITIES, Finding, Severity
from connector.agreement.places import Places
from connector.agreement.terms import Agreement, Goal

__all__ = ["SEVERITIES", "Finding", "Severity", "lint"]


def lint(
    agreement: Agreement,
    places: Places,
    *,
    as_of: datetime,
    approvals: Sequence[Approval] = (),
    promised: Sequence[Goal] = (),
) -> tuple[Finding, ...]:
    """Everything worth saying at this instant about an agreement that loads, the worst first, otherwise by subject.
    `promised` are the goals of the last signed version."""
    today = as_of.astimezone(agreement.zone).date()
    signed = standing(approvals, agreement.fingerprint, agreement.wiring.fingerprint, as_of)
    found = [
        *_of_lead_types(agreement, places),
        *silence.findings(agreement, places),
        *strength.findings(agreement, places),
        *fairness.findings(agreement, places),
        *formalities.findings(agreement, places, today, signed),
        *formalities.broken_promises(agreement, places, today, promised),
    ]
    return tuple(sorted(found, key=lambda each: SEVERITIES.index(each.severity)))


def _of_lead_types(agreement: Agreement, places: Places) -> Iterator[Finding]:
    """Stages and moves as they are for each lead type, the default first; what holds for several is told once."""
    told: set[str] = set()
    for lead_type in sorted(agreement.lead_types, key=lambda each: not each.default):
        theirs = agreement_for(agreement, lead_type)
        own = {f"stages.{stage.name}" for stage in lead_type.stages}
        where = places.within(f"lead_types.{lead_type.name}", own)
        for found in (*stages.findings(theirs, where), *moves.findings(theirs, where)):
            if found.what not in told:
                told.add(found.what)
                of = "" if lead_type.default else f"for {lead_type.label}: "
                yield replace(found, what=f"{of}{found.what}")
