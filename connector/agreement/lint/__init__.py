"""
What is odd about an agreement that loads: every name is known and every value is in range, and still a rule is dead, a
stage out of reach, two moves undo each other, or nobody signed.

Pure: the agreement, where its keys stand, the signatures and the instant come in. An error is something that cannot be
meant; a warning is something that both sides should look at; a remark only helps.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connector.agreement.approvals import Approval, standing
from connector.agreement.lint import fairness, formalities, moves, silence, stages, strength
from connector.agreement.lint.finding import SEVERITIES, Finding, Severity
from connector.agreement.places import Places
from connector.agreement.terms import Agreement

__all__ = ["SEVERITIES", "Finding", "Severity", "lint"]


def lint(
    agreement: Agreement, places: Places, *, as_of: datetime, approvals: Sequence[Approval] = ()
) -> tuple[Finding, ...]:
    """Everything worth saying at this instant about an agreement that loads, the worst first, otherwise by subject."""
    today = as_of.astimezone(agreement.zone).date()
    signed = standing(approvals, agreement.fingerprint, agreement.wiring.fingerprint, as_of)
    found = [
        *stages.findings(agreement, places),
        *moves.findings(agreement, places),
        *silence.findings(agreement, places),
        *strength.findings(agreement, places),
        *fairness.findings(agreement, places),
        *formalities.findings(agreement, places, today, signed),
    ]
    return tuple(sorted(found, key=lambda each: SEVERITIES.index(each.severity)))
