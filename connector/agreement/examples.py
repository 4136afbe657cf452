"""
The people both teams agree about, run against the agreement: "Anna must be MQL, the student must not".

Deciding is handed in, since the agreement does not know who decides by it. A person may be looked at several times:
then the CRM shows what the look before decided, unless somebody changed it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from pydantic import RootModel

from connector.agreement.complaints import parse
from connector.agreement.example_names import check_names
from connector.agreement.shapes.examples import ExampleActivityShape, ExampleDealShape, ExampleShape, LookShape
from connector.agreement.source import read_source
from connector.agreement.terms import Agreement
from connector.agreement.vocabulary import ANSWERS
from connector.errors import ConfigError, Problem
from connector.model import ALWAYS, Activity, Deal, Decision, Edit, Person, Signal, Track, Value


class Decides(Protocol):
    """What runs an example: `connector.decide.Decider` does."""

    def decide(
        self, person: Person, tracks: tuple[Track, ...], *, as_of: datetime, run: int, go_live: datetime
    ) -> Decision: ...


class ExamplesShape(RootModel[dict[str, ExampleShape]]):
    """examples.toml"""


@dataclass(frozen=True, slots=True)
class Look:
    """The person as the CRM shows them at one instant, less what was decided before, and what both teams expect."""

    as_of: datetime
    person: Person
    expects: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """One person, looked at once or several times."""

    name: str
    says: str
    looks: tuple[Look, ...]

    @property
    def as_of(self) -> datetime:
        """The instant of the first look."""
        return self.looks[0].as_of


@dataclass(frozen=True, slots=True)
class Tried:
    """How an example came out; `differences` are sentences, none where all is as agreed."""

    name: str
    says: str
    differences: tuple[str, ...]


def load_examples(folder: Path, agreement: Agreement | None = None) -> tuple[Example, ...]:
    """The examples of an agreement; raises ConfigError with every problem of the file.

    With the agreement at hand, every name in them must be one of its own.
    """
    problems: list[Problem] = []
    source = read_source(folder, "examples.toml", problems)
    shape = parse(ExamplesShape, source, problems)
    if shape is not None:
        check_names(shape.root, source, agreement, problems)
    if problems or shape is None:
        raise ConfigError(list(dict.fromkeys(problems)))
    return tuple(Example(name, row.says, _looks(name, row)) for name, row in shape.root.items())


def run_examples(examples: tuple[Example, ...], decider: Decides) -> tuple[Tried, ...]:
    """Decide every example as a new person and compare."""
    return tuple(Tried(each.name, each.says, _differences(each, decider)) for each in examples)


def _looks(name: str, row: ExampleShape) -> tuple[Look, ...]:
    """Every look, each with all that was known before it."""
    looks: list[Look] = []
    person = Person(name, {}, row.stage, row.status)
    for number, look in enumerate((row, *row.then), start=1):
        person = _later(person, look, number)
        expects = look.expect.model_dump(exclude_none=True)
        looks.append(Look(look.as_of, person, expects))
    return tuple(looks)


def _later(before: Person, look: LookShape, number: int) -> Person:
    """The person with what has been added since; `number` is the look that sees it first."""
    signals = [
        Signal(f"{kind}-{number}-{place}", kind, at, number)
        for kind, instants in look.signals.items()
        for place, at in enumerate(instants)
    ]
    activities = [_activity(f"{number}-{place}", row) for place, row in enumerate(look.activities)]
    return replace(
        before,
        fields={**before.fields, **look.fields},
        owner_id=look.owner_id or before.owner_id,
        signals=(*before.signals, *signals),
        activities=(*before.activities, *activities),
        deals=before.deals if look.deals is None else tuple(_deal(str(n), row) for n, row in enumerate(look.deals)),
        edits={row.field: Edit(row.field, None, row.to, row.at, row.by) for row in look.edits},
    )


def _activity(id_: str, row: ExampleActivityShape) -> Activity:
    return Activity(id_, row.kind, row.at, row.direction, row.outcome, row.by, row.owner_id, row.seconds)


def _deal(id_: str, row: ExampleDealShape) -> Deal:
    return Deal(
        id_,
        row.state,
        row.deal_stage,
        counted=row.counted,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        lost_reason=row.lost_reason,
        labels=(row.role,) if row.role else (),
    )


def _differences(example: Example, decider: Decides) -> tuple[str, ...]:
    """Look after look as the loop would: what was decided is confirmed and shown by the CRM."""
    said: list[str] = []
    tracks: tuple[Track, ...] = ()
    shown: dict[str, Value] = {}
    for number, look in enumerate(example.looks, start=1):
        person = _as_shown(look.person, shown)
        decision = decider.decide(person, tracks, as_of=look.as_of, run=number, go_live=ALWAYS)
        when = f"{look.as_of:%Y-%m-%d %H:%M}: " if len(example.looks) > 1 else ""
        said += [f"{when}{sentence}" for sentence in _compare(look.expects, decision)]
        tracks = decision.tracks
        live = {"stage": person.stage, "status": person.status}
        shown |= {**live, **{name: value for name, value in decision.outputs.items() if name in (*live, *ANSWERS)}}
    return tuple(said)


def _as_shown(person: Person, shown: Mapping[str, Value]) -> Person:
    """The person with the stage and status that the CRM shows by now, and without answers that were blanked."""
    live: dict[str, Any] = {name: shown.get(name, getattr(person, name)) for name in ("stage", "status")}
    edits = {name: replace(each, before=live[name]) for name, each in person.edits.items()}
    live |= {name: each.after for name, each in edits.items()}
    blanked = {name for name in ANSWERS if name in shown and shown[name] is None}
    fields = {name: value for name, value in person.fields.items() if name not in blanked}
    return replace(person, **live, fields=fields, edits=edits)


def _compare(expects: Mapping[str, Any], decision: Decision) -> list[str]:
    found = _found(decision)
    said = []
    for key, wanted in expects.items():
        if key == "points":
            said += _compare_points(wanted, decision)
        elif key in ("why_not", "warnings"):
            said += _compare_sentences(key, wanted, found[key])
        elif found.get(key) != (None if wanted == "" else wanted):  # an output that is not said is left as it is
            said.append(f"{key} should be {_worded(wanted)} and is {_worded(found.get(key))}")
    return said


def _found(decision: Decision) -> dict[str, Any]:
    """What the decision says, under the names that an example uses."""
    track, outputs = decision.tracks[0], decision.outputs
    missing = str(outputs.get("missing_information") or "")
    return {
        **dict.fromkeys(ANSWERS),
        **outputs,
        "stage": track.stage,
        "status": track.status,
        "crm_stage": outputs.get("stage"),
        "fit": decision.score.fit,
        "engagement": decision.score.engagement,
        "combined": outputs.get("combined_score"),
        "missing": missing.split(", ") if missing else [],
        "tasks": len(decision.tasks),
        "cause": decision.cause or None,
        "reason": decision.reason,
        "why_not": decision.blocked,
        "warnings": decision.warnings,
        "passed_through": list(track.passed_through),
        "sla": track.sla_class,
        "cycle": track.cycle,
        "returned_count": track.returned_count,
        "wait_until": track.wait_until,
    }


def _compare_points(wanted: Mapping[str, float], decision: Decision) -> list[str]:
    """The points of single rules: the sum of the lines that end in the name."""
    said = []
    for rule, points in wanted.items():
        lines = [line.points for line in decision.score.lines if f".{line.rule}".endswith(f".{rule}")]
        if round(sum(lines), 2) != points:
            said.append(f"{rule} should give {points:g} points and gives {round(sum(lines), 2):g}")
    return said


def _compare_sentences(key: str, wanted: Sequence[str], found: Sequence[str]) -> list[str]:
    """Each wanted text must stand in one of the sentences; an empty list means that there must be none."""
    what = "a warning" if key == "warnings" else "why_not"
    there = "; ".join(found) or "nothing"
    if not wanted and found:
        return [f"{what} should not be there, and says: {there}"]
    return [f'{what} should say "{each}"; said is: {there}' for each in wanted if not any(each in one for one in found)]


def _worded(value: object) -> str:
    """A value as a person writes it."""
    if value in (None, ""):
        return "blank"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "nothing"
    return f"{value:g}" if isinstance(value, float) else str(value)
