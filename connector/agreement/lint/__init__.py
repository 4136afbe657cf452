"""
What is odd about an agreement that loads: every name is known and every value is in range, and still a rule is dead, a
stage out of reach, two moves undo each other, or nobody signed.

Pure: the agreement, where its keys stand, and today come in. An error is something that cannot be meant; a warning is
something that both sides should look at; a remark only helps.
"""

from __future__ import annotations

from datetime import date

from connector.agreement.lint import fairness, formalities, moves, silence, stages, strength
from connector.agreement.lint.finding import SEVERITIES, Finding, Severity
from connector.agreement.places import Places
from connector.agreement.terms import Agreement

__all__ = ["SEVERITIES", "Finding", "Severity", "lint"]


def lint(agreement: Agreement, places: Places, *, today: date) -> tuple[Finding, ...]:
    """Everything worth saying about an agreement that loads, the worst first, otherwise by subject."""
    found = [
        *stages.findings(agreement, places),
        *moves.findings(agreement, places),
        *silence.findings(agreement, places),
        *strength.findings(agreement, places),
        *fairness.findings(agreement, places),
        *formalities.findings(agreement, places, today),
    ]
    return tuple(sorted(found, key=lambda each: SEVERITIES.index(each.severity)))
