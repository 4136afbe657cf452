"""The pure core alone: microseconds for a score and for a whole decision, ten signals a person, nothing read."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time

from measure import Result

from connector.agreement import Agreement, load_agreement
from connector.config import shipped_mappings
from connector.decide import Decider
from connector.decide.facts import Observer
from connector.model import ALWAYS, Person, Signal, Value

SIGNALS = 10
ROUNDS = 5
_AS_OF = datetime(2026, 3, 31, 12, tzinfo=UTC)
_TITLES = ("VP Operations", "Head of Supply Chain", "Marketing Manager", "Student", "Director of IT", "Accountant")
_INDUSTRIES = ("manufacturing", "software", "retail", "logistics")
_COUNTRIES = ("Poland", "Germany", "Indonesia", "Brazil")


def deciding(_folder: Path, _url: str, people: int) -> Result:
    """The best of a few rounds over the same invented people, each known since the round before."""
    agreement = load_agreement(shipped_mappings())
    everyone = [_person(number, agreement) for number in range(people)]
    decider, scorer = Decider(agreement), Observer(agreement)._scorer  # the one part of it that DESIGN names
    tracks = {one.id: decider.decide(one, (), as_of=_AS_OF, run=1, go_live=ALWAYS).tracks for one in everyone}
    newest_first = [(dict(one.fields), sorted(one.signals, key=lambda each: each.at, reverse=True)) for one in everyone]

    def score() -> None:
        for fields, signals in newest_first:
            scorer.score(fields, signals, _AS_OF)

    def decide() -> None:
        for one in everyone:
            decider.decide(one, tracks[one.id], as_of=_AS_OF, run=2, go_live=ALWAYS)

    return {"people": people, "scoring": _best(score) / people, "decision": _best(decide) / people}


def _best(work: Callable[[], None]) -> float:
    """CPU seconds of the fastest round: the others were disturbed."""
    rounds = []
    for _ in range(ROUNDS):
        began = process_time()
        work()
        rounds.append(process_time() - began)
    return min(rounds)


def _person(number: int, agreement: Agreement) -> Person:
    chance = random.Random(number)
    fields: dict[str, Value] = {
        "email": f"p{number}@company{number % 977}.example",
        "first_name": "Anna",
        "last_name": "Kowalska",
        "job_title": chance.choice(_TITLES),
        "company_name": f"Company {number % 977}",
        "company_size": float(chance.randint(5, 5000)),
        "industry": chance.choice(_INDUSTRIES),
        "revenue": float(chance.randint(1, 90)) * 1_000_000,
        "country": chance.choice(_COUNTRIES),
    }
    kinds = sorted(agreement.signals)
    signals = tuple(
        Signal(f"{number}-{each}", chance.choice(kinds), _AS_OF - timedelta(days=chance.uniform(0, 200)), 1)
        for each in range(SIGNALS)
    )
    signals = tuple(sorted(signals, key=lambda signal: signal.at))
    return Person(str(number), fields, "lead", None, "7", _AS_OF - timedelta(days=300), signals=signals)
