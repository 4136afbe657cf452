"""What the examples may speak of: signals, fields, stages and rules of the agreement they stand beside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from connector.agreement.complaints import did_you_mean
from connector.agreement.shapes.base import Plain
from connector.agreement.shapes.examples import ExampleActivityShape, ExampleShape, LookShape
from connector.agreement.source import Source
from connector.agreement.terms import Agreement
from connector.agreement.vocabulary import PERSON
from connector.errors import Problem

Path = tuple[str | int, ...]


def check_names(
    examples: Mapping[str, ExampleShape], source: Source, agreement: Agreement | None, problems: list[Problem]
) -> None:
    """Complain of every name that the agreement does not have, and of instants that cannot be meant."""
    for name, row in examples.items():
        check = _Check(source, agreement, problems)
        check.known((name, "stage"), "stage", row.stage, check.stages)
        check.known((name, "status"), "status", row.status, check.statuses)
        check.look((name,), row)
        before = row.as_of
        for number, look in enumerate(row.then):
            path = (name, "then", number)
            if look.as_of <= before:
                check.complain((*path, "as_of"), "is not later than the look before.", "Looks stand in order of time.")
            before = max(before, look.as_of)
            check.look(path, look)


class _Check:
    """The names of one agreement, and where complaints about them go. Without an agreement, names are not known."""

    def __init__(self, source: Source, agreement: Agreement | None, problems: list[Problem]) -> None:
        self._source = source
        self._agreement = agreement
        self._problems = problems
        self.stages = [each.name for each in agreement.stages] if agreement else []
        self.statuses = list(agreement.statuses) if agreement else []

    def complain(self, path: Path, what: str, fix: str) -> None:
        """Note what is wrong and go on."""
        self._problems.append(self._source.problem(path, what, fix))

    def known(self, path: Path, what: str, name: str | None, names: Iterable[str]) -> None:
        """A name that is said must be one of these."""
        if self._agreement is not None and name and name not in (there := list(names)):
            self.complain(path, f'unknown {what} "{name}".', did_you_mean(name, there))

    def look(self, path: Path, look: LookShape) -> None:
        """Everything one look names."""
        for kind, instants in look.signals.items():
            self._instants((*path, "signals", kind), instants)
        if self._agreement is None:
            return
        for kind in look.signals:
            self.known((*path, "signals", kind), "signal", kind, self._agreement.signals)
        for name, value in look.fields.items():
            self._field((*path, "fields", name), name, value)
        for activity in look.activities:
            self._activity((*path, "activities"), activity)
        for edit in look.edits:
            names = self.stages if edit.field == "stage" else self.statuses
            self.known((*path, "edits"), edit.field, edit.to, names)
        for deal in look.deals or ():
            deal_stages = [each.name for each in self._agreement.deals.stages]
            self.known((*path, "deals"), "deal stage", deal.deal_stage, deal_stages)
        self._expected((*path, "expect"), look.expect.model_dump(exclude_none=True), self._agreement)

    def _instants(self, path: Path, instants: Sequence[datetime]) -> None:
        if not instants:
            self.complain(path, "names no instant.", "Write when it happened: [2026-03-31T12:00:00Z].")
        for each in sorted({one for one in instants if instants.count(one) > 1}):
            what = f"happens twice at {each:%Y-%m-%dT%H:%M:%S}."
            self.complain(path, what, "Write two instants, if it happened twice.")

    def _field(self, path: Path, name: str, value: Plain) -> None:
        fields = self._agreement.wiring.fields if self._agreement else {}
        types = {each: spec.type for kind in ("company", "contact") for each, spec in fields.get(kind, {}).items()}
        types = {**PERSON, **types}
        self.known(path, "field", name, types)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if name in types and (types[name] == "number") is not number and types[name] in ("number", "text"):
            wanted = "a number without quotes" if types[name] == "number" else "text in quotes"
            self.complain(path, f"should be {wanted}.", f"{name} is {types[name]}.")

    def _activity(self, path: Path, row: ExampleActivityShape) -> None:
        spec = self._agreement.wiring.fields.get(row.kind, {}).get("outcome") if self._agreement else None
        if spec and spec.values and row.outcome and not row.outcome.startswith("unmapped:"):
            self.known(path, f"outcome of a {row.kind}", row.outcome, [*spec.values, *spec.untold])

    def _expected(self, path: Path, expected: Mapping[str, object], agreement: Agreement) -> None:
        names: dict[str, tuple[str, Iterable[str]]] = {
            "stage": ("stage", self.stages),
            "crm_stage": ("stage", self.stages),
            "status": ("status", self.statuses),
            "persona": ("persona", [each.name for each in agreement.personas]),
            "icp_band": ("ICP band", [each.name for each in agreement.bands]),
            "sla": ("SLA class", agreement.slas),
            "latest_deal_stage": ("deal stage", [each.name for each in agreement.deals.stages]),
        }
        for key, (what, known) in names.items():
            value = expected.get(key)
            self.known((*path, key), what, value if isinstance(value, str) else None, known)
        rules = [rule for group in agreement.scoring.groups for rule in (*(one.id for one in group.rules), "limit")]
        rules += [each.path.rsplit(".", 1)[-1] for group in agreement.scoring.groups for each in group.inactivity]
        points = expected.get("points")
        for rule in points if isinstance(points, dict) else ():
            self.known((*path, "points", rule), "rule", str(rule).rsplit(".", 1)[-1], rules)
