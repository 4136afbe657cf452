"""
Time alone: what was decided stands until the instant that was told, and not a moment longer than told.

Invented people with a past of their own (signals, answers, edits, deals, attempts, holds) are brought to where they
stand by decisions, as in the CRM. From there nothing happens any more but time.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.agreement import Agreement
from connector.agreement.terms import Condition, Entry, Evidence, Fading, Group, Inactivity, Leaving, Rule, Scoring
from connector.agreement.vocabulary import ASK_NEXT, OUTPUTS
from connector.decide import Decider
from connector.decide.sla import clocks
from connector.model import ALWAYS, Activity, Deal, Decision, Edit, Person, Signal, Track, Value

from .conftest import ANNA, NOON

DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)
KINDS = (
    "pricing_page", "demo_request", "trial_start", "webinar_attended", "case_study", "comparison_guide",
    "email_click", "careers_page", "unsubscribe", "meeting_held", "email_reply",
)  # fmt: skip
ROUTE = {name for name, output in OUTPUTS.items() if output.group == "route"} | {"grade", "journey_stage", *ASK_NEXT}
SCORES = ("fit_score", "engagement_score", "combined_score")
LAW = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


# -- an agreement in which everything that can depend on time does ----------------------------------------------


def _rule(kind: str, points: float, fading: Fading, **more: Any) -> Rule:
    return Rule(kind, f"engagement.{more.pop('group', 'a')}.{kind}", points, kind, kind, None, fading, **more)


WILD = Scoring(
    (
        Group("who", "fit", "who", (
            Rule("size", "fit.who.size", 62.5, "size", condition=Condition("company_size", "is_known")),
        )),
        Group("a", "engagement", "a", (
            _rule("pricing_page", 15.55, Fading("by_half", 7), once_per="week", times_at_most=3),
            _rule("demo_request", 33.33, Fading("evenly", 45), once_per="month"),
            _rule("webinar_attended", 20, Fading("after", 20), times_at_most=2),
            _rule("case_study", 9, Fading(), within_days=14, once_per="day"),
            Rule("known", "engagement.a.known", 7, "known", condition=Condition("country", "is_known")),
        ), 61.5, None, (Inactivity("engagement.a.quiet", -6.5, 10, "quiet"),)),
        Group("b", "engagement", "b", (
            _rule("email_click", 3, Fading("by_half", 90), within_days=60, group="b"),
            _rule("comparison_guide", 8, Fading(), group="b", times_at_most=2),
            _rule("careers_page", -20, Fading("by_half", 11), group="b"),
            _rule("unsubscribe", -30, Fading("evenly", 30), group="b", once_per="month"),
            _rule("trial_start", -5, Fading("after", 12), group="b"),
        ), 40, -45, (Inactivity("engagement.b.silent", -12, 33, "silent"),)),
    ),
    (("A", 60.0), ("B", 0.0)),
    (("1", 60.0), ("2", 30.0), ("3", 12.34), ("4", 0.0)),
    0.3,
)  # fmt: skip


def _wild(shipped: Agreement) -> Agreement:
    """The shipped stages with other rules: entries and leaves by every kind of score, a stay, proofs that age."""
    rules: dict[str, dict[str, Any]] = {
        "lead": {"enter": Entry(combined_at_least=25)},
        "mql": {
            "enter": Entry(engagement_at_least=30, combined_at_least=45.5),
            "leave": Leaving("nurture", engagement_below=21.7, combined_below=31),
            "stay_at_least_days": 9,
        },
        "sal": {"enter": Entry(accepted_by_sales=True, engagement_at_least=33)},
        "sql": {
            "enter": Entry(evidence_at_least=2, combined_at_least=20),
            "leave": Leaving("lead", fit_below=50, combined_below=28),
        },
    }
    stages = tuple(replace(stage, **rules.get(stage.name, {})) for stage in shipped.stages)
    proofs = (
        Evidence("talked", "talked", "meeting_held", None, 25),
        Evidence("wrote", "wrote", "email_reply", None, 10),
        Evidence("asked", "asked", "demo_request"),
    )
    return replace(shipped, scoring=WILD, stages=stages, evidence=proofs, fingerprint="wild")


def _before(agreement: Agreement) -> Agreement:
    """What held before somebody wrote less generous points, and higher values of leaving."""
    groups = tuple(
        replace(group, rules=tuple(replace(each, points=abs(each.points) * 1.5) for each in group.rules), at_most=90.0)
        for group in agreement.scoring.groups
    )
    lower = {"engagement_below": 4.0, "combined_below": 4.0, "fit_below": 4.0}
    stages = tuple(
        replace(
            each,
            leave=each.leave
            and replace(each.leave, **{name: lower[name] for name in lower if getattr(each.leave, name) is not None}),
        )
        for each in agreement.stages
    )
    scoring = replace(agreement.scoring, groups=groups)
    return replace(agreement, scoring=scoring, stages=stages, fingerprint="before")


class Changed(Decider):
    """Decides by an agreement that has just replaced another one, by which everybody had been looked at before."""

    def __init__(self, agreement: Agreement) -> None:
        super().__init__(agreement)
        self.before = Decider(_before(agreement))


@pytest.fixture(scope="module", params=["shipped", "wild", "shipped, changed", "wild, changed"])
def anyone(request: pytest.FixtureRequest, agreement: Agreement) -> Decider:
    """Decides by the shipped agreement, and by the one in which everything depends on time; each as if it had always
    held, and as one that has just been changed."""
    chosen = agreement if "shipped" in request.param else _wild(agreement)
    return Changed(chosen) if "changed" in request.param else Decider(chosen)


# -- people with a past -------------------------------------------------------------------------------------------


class Life:
    """One invented person in an account that shows what was decided; the same for the same seed."""

    def __init__(self, decider: Decider, chance: random.Random) -> None:
        self.decider, self.chance = decider, chance
        self.go_live = chance.choice([ALWAYS, ALWAYS, NOON - 30 * DAY, NOON + DAY])
        self.route = chance.random() < 0.95
        self.tracks: tuple[Track, ...] = ()
        self.run = 0
        fields = {name: value for name, value in ANNA.items() if name == "email" or chance.random() < 0.93}
        self.person = Person(
            "42", fields, chance.choice([None, "subscriber", "lead", "lead", "mql", "sql"]), None,
            chance.choice(["7", "7", None]), chance.choice([None, NOON - 20 * DAY, NOON - 300 * DAY]),
            signals=tuple(self._signal(n, -90, chance.choice([0] * 30 + [40])) for n in range(chance.randint(0, 12))),
        )  # fmt: skip

    def live(self) -> tuple[datetime, Decision]:
        """A few decisions, each after something happened; then the last one, and when it was made."""
        at, decider = NOON, self.decider
        if isinstance(decider, Changed):
            self.decider = decider.before
            self.look(at)
            at += DAY * self.chance.choice([0.5, 3.1, 8])
            self.decider = decider
        for _ in range(self.chance.randint(0, 4)):
            self.look(at)
            at += DAY * self.chance.choice([0, 0.5, 3.1, 8, 20.25])
            self._something_happens(at)
        return at, self.look(at)

    def look(self, at: datetime) -> Decision:
        """Decide as a run does, and let the CRM show it."""
        self.run += 1
        decision = self.decide(at)
        self.tracks = decision.tracks
        said = {name: decision.outputs[name] for name in ("stage", "status") if name in decision.outputs}
        blank = {name for name, value in decision.outputs.items() if value is None}
        kept = {name: value for name, value in self.person.fields.items() if name not in blank}
        self.person = replace(self.person, fields=kept, edits={}, **said)
        return decision

    def decide(self, at: datetime, **how: Any) -> Decision:
        """What would be decided then."""
        seen = tuple(replace(each, seen=1 + (each.at > NOON)) for each in self.person.signals)
        person = replace(self.person, signals=seen)
        return self.decider.decide(
            person, self.tracks, as_of=at, run=max(self.run, 2), go_live=self.go_live, route=self.route, **how
        )

    def _signal(self, number: int, first: float, last: float) -> Signal:
        at = NOON + DAY * self.chance.uniform(first, last)
        if self.chance.random() < 0.3:
            at = at.replace(hour=12, minute=0, second=0, microsecond=0)  # of one instant with others
        actor = self.chance.choice(["person"] * 9 + ["bot"])
        return Signal(f"{number}", self.chance.choice(KINDS), at, 0, None, actor)

    def _something_happens(self, at: datetime) -> None:
        person, chance = self.person, self.chance
        fields: dict[str, Value] = dict(person.fields)
        what = chance.choice(
            ["signal", "signal", "answer", "edit", "call", "tries", "deal", "hold", "field", "nothing"]
        )
        if what == "signal":
            latest = (at - NOON) / DAY
            new = [
                self._signal(100 + len(person.signals) + n, latest - 1, latest + chance.choice([0, 0, 9]))
                for n in (0, 1, 2)
            ]
            person = replace(person, signals=(*person.signals, *new))
        elif what == "answer":
            fields["sales_answer"] = chance.choice(["accepted", "returned_not_ready", "rejected"])
            fields["rejection_reason"] = chance.choice(["no_timing", "wrong_role"])
            if chance.random() < 0.5:
                fields["call_back_on"] = at.replace(hour=0) + DAY * chance.randint(-3, 30)
        elif what == "edit":
            name, values = chance.choice(
                [
                    ("status", ("attempting", "connected", "returned_not_ready", "unqualified")),
                    ("stage", ("lead", "mql", "sql")),
                ]
            )
            value = chance.choice(values)
            edits = {name: Edit(name, getattr(person, name), value, at - DAY / 3, "person")}
            person = replace(person, edits=edits, **{name: value})
        elif what == "call":
            calls = [
                Activity(
                    f"{at}{n}",
                    "call",
                    at + DAY * chance.uniform(-4, 5),
                    "outbound",
                    chance.choice(["no_answer", "connected", None]),
                    owner_id="7",
                )
                for n in range(chance.randint(1, 9))
            ]
            person = replace(person, activities=(*person.activities, *calls))
        elif what == "tries":
            times = [at - timedelta(hours=2 * number + 1) for number in range(9)]
            calls = [Activity(f"{each}", "call", each, "outbound", "no_answer", owner_id="7") for each in times]
            person = replace(person, activities=(*person.activities, *calls))
        elif what == "deal":
            state = chance.choice(["open", "on_hold", "lost", "won"])
            person = replace(
                person,
                deals=(
                    Deal(
                        "1",
                        state,
                        opened_at=at - DAY,
                        closed_at=at,
                        lost_reason="timing",
                        lead_type=chance.choice([None, "existing_customer"]),
                    ),
                ),
            )
        elif what == "hold":
            fields["hold_until"] = at + DAY * chance.uniform(-1, 20)
        elif what == "field":
            fields["company_size"] = 300.0
        self.person = replace(person, fields=fields)


def _route(decision: Decision) -> object:
    """Everything that stands under `route_next_at`."""
    tracks = [replace(each, evaluated_at=None, used=0) for each in decision.tracks]
    # Nobody has followed a track that was never evaluated: it begins anew at every look.
    tracks = [
        each if old.evaluated_at else replace(each, left_at=None)
        for each, old in zip(tracks, decision.tracks, strict=True)
    ]
    said = {name: value for name, value in decision.outputs.items() if name in ROUTE}
    state = [] if decision.held_until else [clocks(each, decision.outputs["scored_at"]) for each in tracks]
    return said, decision.warnings, decision.held_until, decision.moves, decision.tasks, tracks, state


def _scores(decision: Decision) -> object:
    return [decision.outputs.get(name) for name in SCORES]


def _instants(chance: random.Random, now: datetime, until: datetime | None) -> list[datetime]:
    """A moment before it turns and somewhere between; never: tomorrow, and in ten years."""
    if until is None:
        return [now + DAY * days for days in (1, 100, 3653)]
    return [until - MOMENT, *[min(until - MOMENT, now + (until - now) * chance.random()) for _ in range(3)]]


@LAW
@given(st.integers(0, 2**32))
def test_until_the_instant_that_was_told_nothing_changes(anyone: Decider, seed: int) -> None:
    """Stage, status, flags, grade, follow-up state and reason against `route_next_at`, the shown scores against
    `score_next_at`; without an instant they stay for ever."""
    life = Life(anyone, random.Random(seed))
    now, told = life.live()
    standing = life.decide(now)

    assert (standing.moves, standing.tasks) == ((), ())
    for until, seen in ((told.route_next_at, _route), (told.score_next_at, _scores)):
        assert until is None or until > now
        for instant in _instants(life.chance, now, until):
            assert seen(life.decide(instant)) == seen(standing)


@LAW
@given(st.integers(0, 2**32))
def test_an_instant_that_was_told_leads_to_a_later_one_or_to_none(anyone: Decider, seed: int) -> None:
    """Whoever is looked at when told comes to rest: from one instant to the next, without ever standing still."""
    life = Life(anyone, random.Random(seed))
    now, told = life.live()
    for _ in range(8):
        ahead = [at for at in (told.route_next_at, told.score_next_at) if at is not None]
        if not ahead:
            break
        assert min(ahead) > now
        now = min(ahead)
        told = life.look(now)


def test_hardly_anybody_is_looked_at_for_nothing(anyone: Decider) -> None:
    """Of the instants told to people of whom nothing is dated ahead, nearly every one changes something."""
    told_of, for_nothing = Counter[str](), Counter[str]()
    for seed in range(400):
        life = Life(anyone, random.Random(seed))
        now, told = life.live()
        standing = life.decide(now)
        if any(each.at > now for each in (*life.person.signals, *life.person.activities)):
            continue
        for name, until, seen in (("route", told.route_next_at, _route), ("score", told.score_next_at, _scores)):
            if until is not None:
                told_of[name] += 1
                for_nothing[name] += seen(life.decide(until)) == seen(standing)

    assert min(told_of.values()) > 100
    assert for_nothing["route"] <= 0.05 * told_of["route"]
    assert for_nothing["score"] <= 0.05 * told_of["score"]


def test_everything_that_depends_on_time_is_met(anyone: Decider) -> None:
    """The invented lives are worth something: among what happens at the instants told is all that time can do."""
    met = Counter[str]()
    for seed in range(400):
        life = Life(anyone, random.Random(seed))
        now, told = life.live()
        for _ in range(8):
            if told.route_next_at is None:
                break
            before, now = life.decide(now), told.route_next_at
            told = life.look(now)
            met["grade"] += before.score.grade != told.score.grade
            met["hold"] += before.held_until != told.held_until
            met["task"] += bool(told.tasks)
            met["left"] += any(move.cause.endswith("leave_when") for move in told.moves)
            met["exhausted"] += any(move.cause == "attempts.exhausted_after" for move in told.moves)
            met["warning"] += before.warnings != told.warnings
            for name in ("sla_state", "stage_reason", "attempts"):
                met[name] += before.outputs.get(name) != told.outputs.get(name)

    wanted = ("grade", "hold", "task", "left", "exhausted", "warning", "sla_state", "stage_reason", "attempts")
    assert [name for name in wanted if not met[name]] == []
