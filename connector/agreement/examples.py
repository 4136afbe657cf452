"""
The people both teams agree about, run against the agreement: "Anna must be MQL, the student must not".

Deciding is handed in, since the agreement does not know who decides by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from pydantic import RootModel

from connector.agreement.complaints import parse
from connector.agreement.shapes.paper import ExampleShape
from connector.agreement.source import read_source
from connector.errors import ConfigError, Problem
from connector.model import ALWAYS, Deal, Decision, Person, Signal, Track


class Decides(Protocol):
    """What runs an example: `connector.decide.Decider` does."""

    def decide(
        self, person: Person, tracks: tuple[Track, ...], *, as_of: datetime, run: int, go_live: datetime
    ) -> Decision: ...


class ExamplesShape(RootModel[dict[str, ExampleShape]]):
    """examples.toml"""


@dataclass(frozen=True, slots=True)
class Example:
    """One person, and what both teams expect: name of the outcome -> value."""

    name: str
    says: str
    person: Person
    as_of: datetime
    expects: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an example came out; `differences` are sentences, none where all is as agreed."""

    name: str
    says: str
    differences: tuple[str, ...]


def load_examples(folder: Path) -> tuple[Example, ...]:
    """The examples of an agreement; raises ConfigError with every problem of the file."""
    problems: list[Problem] = []
    source = read_source(folder, "examples.toml", problems)
    shape = parse(ExamplesShape, source, problems)
    if problems or shape is None:
        raise ConfigError(problems)
    return tuple(_example(name, row) for name, row in shape.root.items())


def run_examples(examples: tuple[Example, ...], decider: Decides) -> tuple[Verdict, ...]:
    """Decide every example as a new person and compare."""
    return tuple(Verdict(each.name, each.says, _differences(each, decider)) for each in examples)


def _example(name: str, row: ExampleShape) -> Example:
    signals = [
        Signal(f"{kind}-{number}", kind, _aware(at))
        for kind, instants in row.signals.items()
        for number, at in enumerate(instants)
    ]
    deals = [
        Deal(
            str(number),
            deal.state,
            deal.deal_stage,
            opened_at=deal.opened_at and _aware(deal.opened_at),
            closed_at=deal.closed_at and _aware(deal.closed_at),
            lost_reason=deal.lost_reason,
        )
        for number, deal in enumerate(row.deals)
    ]
    person = Person(
        name, dict(row.fields), row.stage, row.status, row.owner_id, deals=tuple(deals), signals=tuple(signals)
    )
    return Example(name, row.says, person, _aware(row.as_of), row.expect.model_dump(exclude_none=True))


def _aware(at: datetime) -> datetime:
    """An instant without a zone is UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _differences(example: Example, decider: Decides) -> tuple[str, ...]:
    decision = decider.decide(example.person, (), as_of=example.as_of, run=1, go_live=ALWAYS)
    track, outputs = decision.tracks[0], decision.outputs
    missing = str(outputs["missing_information"] or "")
    found: dict[str, object] = {
        "stage": track.stage,
        "status": track.status,
        "fit": decision.score.fit,
        "engagement": decision.score.engagement,
        "grade": decision.score.grade,
        "persona": outputs["persona"],
        "icp_band": outputs["icp_band"],
        "exclusion_reason": outputs["exclusion_reason"],
        **{name: outputs.get(name) for name in ("journey_stage", "nurture_track", "ask_next", "not_mql_reason")},
        "missing": missing.split(", ") if missing else [],
        "tasks": len(decision.tasks),
        "cause": decision.cause,
    }
    return tuple(
        f"{key} should be {wanted} and is {found[key]}"
        for key, wanted in example.expects.items()
        if found[key] != wanted and not (wanted == "" and found[key] is None)
    )
