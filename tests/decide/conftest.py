"""Small builders, so that a test reads as a person in and a decision out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.agreement import Agreement, load_agreement
from connector.decide import Decider
from connector.model import ALWAYS, Activity, Deal, Decision, Edit, Person, Signal, Track, Value

SHIPPED = Path(__file__).parents[2] / "mappings"
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)

ANNA: dict[str, Value] = {
    "email": "anna.k@northmill.example",
    "first_name": "Anna",
    "last_name": "Kowalska",
    "job_title": "Director of Operations",
    "company_name": "Northmill",
    "company_size": 420.0,
    "industry": "manufacturing",
    "revenue": 38_000_000.0,
    "country": "Poland",
}


def at(text: str) -> datetime:
    """ "03-30 15:00" in 2026, UTC; seconds where given."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


def signal(kind: str, when: str | datetime, *, seen: int = 0, id_: str = "") -> Signal:
    """A signal; its id comes from kind and time unless given."""
    moment = at(when) if isinstance(when, str) else when
    return Signal(id_ or f"{kind}@{moment.isoformat()}", kind, moment, seen)


def days_ago(kind: str, days: float, *, before: datetime = NOON) -> Signal:
    """A signal so many days before noon of 31 March."""
    return signal(kind, before - timedelta(days=days))


V1 = (
    signal("pricing_page", "03-30 15:00"),
    signal("pricing_page", "03-30 09:00"),
    signal("pricing_page", "03-21 10:00"),
    signal("pricing_page", "03-01 10:00"),
    signal("pricing_page", "02-10 10:00"),
    signal("webinar_attended", "03-16 13:00"),
    signal("case_study", "03-11 12:00"),
    signal("comparison_guide", "03-25 12:00"),
    signal("email_click", "03-29 08:00"),
    signal("email_click", "03-28 08:00"),
    signal("email_click", "03-27 08:00"),
    signal("email_click", "03-24 07:00:20.000"),
    signal("email_click", "03-24 07:00:20.300"),
    signal("email_click", "03-24 07:00:20.600"),
    signal("email_click", "03-24 07:00:21.000"),
    signal("careers_page", "03-17 12:00"),
)


def person(
    *signals: Signal,
    stage: str | None = "lead",
    status: str | None = None,
    fields: Mapping[str, Value] | None = None,
    deals: tuple[Deal, ...] = (),
    activities: tuple[Activity, ...] = (),
    owner_id: str | None = "7",
    created_at: datetime | None = None,
    edits: Mapping[str, Edit] | None = None,
) -> Person:
    """Anna, or somebody with other fields."""
    known = {name: value for name, value in {**ANNA, **(fields or {})}.items() if value is not None}
    return Person("42", known, stage, status, owner_id, created_at, None, deals, signals, activities, {}, edits or {})


def edit(name: str, before: Value, after: Value, when: str | datetime | None, by: str = "person") -> Edit:
    """What somebody set."""
    moment = at(when) if isinstance(when, str) else when
    return Edit(name, before, after, moment, by)


@dataclass
class Desk:
    """Runs decisions one after the other as the loop would: what was decided is confirmed and shown by the CRM."""

    decider: Decider
    go_live: datetime = ALWAYS
    tracks: tuple[Track, ...] = ()
    run: int = 0
    shown: dict[str, Value] = field(default_factory=dict)

    def decide(self, who: Person, when: str | datetime = NOON, *, route: bool = True) -> Decision:
        """Decide and confirm; the live stage and status are what the last decision wrote, unless edited."""
        self.run += 1
        live = {name: self.shown.get(name, getattr(who, name)) for name in ("stage", "status")}
        live |= {name: change.after for name, change in who.edits.items() if name in live}
        moment = at(when) if isinstance(when, str) else when
        decision = self.decider.decide(
            replace(who, **live), self.tracks, as_of=moment, run=self.run, go_live=self.go_live, route=route
        )
        self.tracks = decision.tracks
        self.shown |= {name: decision.outputs[name] for name in ("stage", "status") if name in decision.outputs}
        self.shown |= {name: live[name] for name in who.edits if name in live and name not in decision.outputs}
        return decision


@pytest.fixture(scope="session")
def agreement() -> Agreement:
    """The shipped agreement."""
    return load_agreement(SHIPPED)


@pytest.fixture(scope="session")
def decider(agreement: Agreement) -> Decider:
    """The shipped agreement, compiled."""
    return Decider(agreement)


@pytest.fixture
def desk(decider: Decider) -> Desk:
    """A fresh account where everyone is new."""
    return Desk(decider)


@pytest.fixture
def desk_with(agreement: Agreement) -> Callable[..., Desk]:
    """A desk under the shipped agreement with some terms replaced."""
    return lambda **terms: Desk(Decider(replace(agreement, **terms)))
