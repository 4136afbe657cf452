"""
Which properties the connector alone sets, and which it shares with people: only of the former may anything be written
without a look at what others did meanwhile.
"""

from __future__ import annotations

from connector.agreement import Agreement
from connector.agreement.vocabulary import ANSWERS
from connector.agreement.wiring import FieldSpec, WriteRule
from connector.fields.columns import STRICT
from connector.fields.places import LEAD, PERSON

#: Outputs that people set as well, by design: where they see somebody, what they answer, and which line it is about.
PEOPLES_TOO = frozenset((*STRICT, *ANSWERS, "lead_type"))


def ours_alone(agreement: Agreement) -> frozenset[str]:
    """The properties that are written and that nobody but us sets: scores, bands, reasons, dates, counts. One that any
    field of people stands in as well, or a signal, is none."""
    written, shared = _properties(agreement)
    return written - shared


def never_alone(agreement: Agreement) -> frozenset[str]:
    """The properties that are written and that somebody else may set as well."""
    written, shared = _properties(agreement)
    return written & shared


def _properties(agreement: Agreement) -> tuple[frozenset[str], frozenset[str]]:
    """All that are written, and all that others may set."""
    rules, wiring = agreement.write_back.rules, agreement.wiring
    specs = [spec for kind in (PERSON, LEAD) for spec in wiring.fields.get(kind, {}).values()]
    written = frozenset(spec.property for spec in specs if spec.field in rules)
    shared = {name for spec in specs if not _is_ours(spec.field, rules.get(spec.field)) for name in _read(spec)}
    shared |= {name for one in wiring.signals for name in (one.key, one.date) if name is not None}
    return written, frozenset(shared)


def _read(spec: FieldSpec) -> tuple[str, ...]:
    return (spec.property, *spec.otherwise)


def _is_ours(field: str, rule: WriteRule | None) -> bool:
    return rule is not None and rule.policy == "always" and rule.leads == "mapping" and field not in PEOPLES_TOO
