"""Laws of the decision, on invented people: order never shows, fading never promotes, a second look moves nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.agreement import Agreement
from connector.agreement.terms import Fading
from connector.decide import Decider, track_from_json, track_to_json
from connector.decide.fading import faded
from connector.model import ALWAYS, Activity, Deal, Edit, Person, Signal, Value

from .conftest import ANNA, NOON, SHIPPED

KINDS = (
    "pricing_page", "demo_request", "trial_start", "webinar_attended", "case_study", "comparison_guide",
    "email_click", "careers_page", "unsubscribe", "meeting_held",
)  # fmt: skip
LAW = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def signals(draw: st.DrawFn) -> tuple[Signal, ...]:
    """Up to twelve signals of the last hundred days, to the minute."""
    drawn = draw(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 100 * 24 * 60)), max_size=12))
    return tuple(
        Signal(f"{number}", kind, NOON - timedelta(minutes=minutes)) for number, (kind, minutes) in enumerate(drawn)
    )


@st.composite
def people(draw: st.DrawFn) -> Person:
    """Somebody like Anna, of whom some things are unknown, in some stage."""
    names = draw(st.sets(st.sampled_from(sorted(ANNA)), min_size=4))
    stage = draw(st.sampled_from([None, "subscriber", "lead", "mql", "sql", "customer"]))
    deals = draw(st.sampled_from([(), (Deal("1", "open", "discovery"),), (Deal("1", "lost", closed_at=NOON),)]))
    fields = {name: ANNA[name] for name in names}
    return Person("42", fields, stage, None, "7", deals=deals, signals=draw(signals()))


@st.composite
def answers(draw: st.DrawFn) -> dict[str, Value]:
    """What sales may have written on the record."""
    day = st.one_of(st.none(), st.integers(-5, 45).map(lambda days: NOON.replace(hour=0) + timedelta(days=days)))
    drawn: dict[str, Value] = {
        "sales_answer": draw(st.sampled_from([None, "accepted", "returned_not_ready", "rejected", "maybe"])),
        "rejection_reason": draw(st.sampled_from([None, "no_timing", "wrong_role"])),
        "call_back_on": draw(day),
        "hold_until": draw(st.one_of(st.none(), day)),
    }
    return {name: value for name, value in drawn.items() if value is not None}


@LAW
@given(people(), st.randoms())
def test_the_order_of_signals_never_shows(decider: Decider, who: Person, chance: object) -> None:
    """However the CRM hands the signals over, the decision is the same."""
    mixed = list(who.signals)
    chance.shuffle(mixed)  # type: ignore[attr-defined]  # a random.Random
    other = Person(
        who.id, dict(reversed(list(who.fields.items()))), who.stage, None, "7", deals=who.deals, signals=tuple(mixed)
    )
    decide = [decider.decide(each, (), as_of=NOON, run=1, go_live=ALWAYS) for each in (who, other)]

    assert decide[0] == decide[1]


@LAW
@given(people(), st.integers(1, 120))
def test_fading_never_promotes(agreement: Agreement, decider: Decider, who: Person, days: int) -> None:
    """Once a person was looked at, time alone leads nobody up."""
    order = [stage.name for stage in agreement.stages if not stage.side]
    first = decider.decide(who, (), as_of=NOON, run=1, go_live=ALWAYS)
    later = decider.decide(who, first.tracks, as_of=NOON + timedelta(days=days), run=2, go_live=ALWAYS)

    for move in later.moves:
        if move.what == "stage" and move.before in order and move.after in order:
            assert order.index(move.after) <= order.index(move.before)
    assert later.tasks == ()


@LAW
@given(people())
def test_a_second_look_at_the_same_instant_moves_nothing(decider: Decider, who: Person) -> None:
    """The first decision goes as far as the facts lead; the second finds nothing left to do."""
    first = decider.decide(who, (), as_of=NOON, run=1, go_live=ALWAYS)
    second = decider.decide(who, first.tracks, as_of=NOON, run=2, go_live=ALWAYS)

    assert (second.moves, second.tasks, second.score) == ((), (), first.score)
    assert {**second.outputs, "stage_reason": None} == {
        **{name: value for name, value in first.outputs.items() if name in second.outputs},
        "stage_reason": None,
    }


@LAW
@given(people(), answers(), answers(), st.integers(0, 40))
def test_whatever_sales_answers_a_second_look_moves_nothing(
    decider: Decider, who: Person, first: dict[str, Value], second: dict[str, Value], days: int
) -> None:
    """Handed over or not, answered once or twice, held or waiting: the same instant again has nothing left to do, a
    hand-off is one task, and the track survives the ledger."""
    tracks = decider.decide(who, (), as_of=NOON, run=1, go_live=ALWAYS).tracks
    for run, (said, when) in enumerate([(first, 1), (second, 1 + days)], 2):
        on_record = replace(who, fields={**who.fields, **said})
        at = NOON + timedelta(days=when)
        one = decider.decide(on_record, tracks, as_of=at, run=run, go_live=ALWAYS)
        blanked = {name: value for name, value in on_record.fields.items() if one.outputs.get(name, value) is not None}
        two = decider.decide(replace(on_record, fields=blanked), one.tracks, as_of=at, run=run, go_live=ALWAYS)

        assert (two.moves, two.tasks) == ((), ())
        assert len(one.tasks) == sum(each.cycle for each in one.tracks) - sum(each.cycle for each in tracks)
        assert track_from_json(track_to_json(one.tracks[0])) == one.tracks[0]
        assert one.held_until is None or one.tracks == tracks
        tracks = one.tracks


@LAW
@given(people())
def test_the_lines_always_add_up(decider: Decider, who: Person) -> None:
    """A13, for anybody."""
    score = decider.decide(who, (), as_of=NOON, run=1, go_live=ALWAYS).score

    for side, total in (("fit", score.fit), ("engagement", score.engagement)):
        assert round(sum(line.points for line in score.lines if line.rule.startswith(f"{side}.")), 2) == total
        assert 0 <= total <= 100


@st.composite
def fadings(draw: st.DrawFn) -> Fading:
    """Every kind of fading, over up to ten years."""
    return Fading(draw(st.sampled_from(["never", "after", "evenly", "by_half"])), draw(st.integers(1, 3650)))


@LAW
@given(st.integers(-100_00, 100_00), fadings(), st.integers(0, 4000))
def test_the_points_of_one_signal_never_grow_again(hundredths: int, fading: Fading, age: int) -> None:
    """From one day to the next they keep their sign and lose weight, and nothing comes back once it is gone."""
    today, tomorrow = [faded(hundredths / 100, fading, each) for each in (age, age + 1)]

    assert abs(tomorrow) <= abs(today) <= abs(hundredths / 100)
    assert tomorrow * hundredths >= 0


@LAW
@given(people(), answers(), st.randoms())
def test_the_order_of_fields_and_edits_never_shows(
    decider: Decider, who: Person, said: dict[str, Value], chance: object
) -> None:
    """However the CRM hands over fields, deals, activities and what others edited, the decision is the same."""
    calls = [Activity(f"{n}", "call", NOON - timedelta(hours=n), "outbound", "no_answer") for n in range(9)]
    edits = {
        "status": Edit("status", None, "connected", NOON - timedelta(hours=1), "person"),
        "stage": Edit("stage", who.stage, "mql", NOON - timedelta(hours=2), "person"),
        "sales_answer": Edit("sales_answer", None, said.get("sales_answer"), NOON, "person"),
    }
    deals = [*who.deals, Deal("2", "open", "discovery"), Deal("3", "lost", closed_at=NOON)]
    whole = replace(who, fields={**who.fields, **said}, edits=edits, activities=tuple(calls), deals=tuple(deals))
    chance.shuffle(calls)  # type: ignore[attr-defined]  # a random.Random
    chance.shuffle(deals)  # type: ignore[attr-defined]
    mixed = replace(
        whole,
        fields=dict(reversed(whole.fields.items())),
        edits=dict(reversed(edits.items())),
        activities=tuple(calls),
        deals=tuple(deals),
    )
    decide = [decider.decide(each, (), as_of=NOON, run=1, go_live=ALWAYS) for each in (whole, mixed)]

    assert decide[0] == decide[1]


@settings(LAW, max_examples=60)  # several people each
@given(st.lists(people(), min_size=1, max_size=6), st.randoms())
def test_whom_else_a_decider_has_met_never_shows(agreement: Agreement, several: list[Person], chance: object) -> None:
    """What is remembered between people is worked out once; it is never somebody else's."""
    alone = [Decider(agreement).decide(each, (), as_of=NOON, run=1, go_live=ALWAYS) for each in several]
    met = Decider(agreement)
    places = list(range(len(several)))
    chance.shuffle(places)  # type: ignore[attr-defined]  # a random.Random

    for place in places:
        assert met.decide(several[place], (), as_of=NOON, run=1, go_live=ALWAYS) == alone[place]


def test_neither_the_zone_nor_the_hash_seed_of_the_machine_shows() -> None:
    """The same decisions in another process on the other side of the date line, with sets in another order."""
    asked = [sys.executable, "-c", _DECIDE_ELSEWHERE, str(SHIPPED)]
    said = {
        subprocess.run(
            asked, env={**os.environ, "TZ": zone, "PYTHONHASHSEED": seed}, check=True, capture_output=True, text=True
        ).stdout
        for zone, seed in (("UTC", "0"), ("Pacific/Kiritimati", "1"), ("America/Los_Angeles", "2"))
    }

    assert len(said) == 1
    assert "current_stage" in said.pop()


_DECIDE_ELSEWHERE = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from connector.agreement import load_agreement
from connector.decide import Decider
from connector.model import ALWAYS, Person, Signal

decider, noon = Decider(load_agreement(Path(sys.argv[1]))), datetime(2026, 3, 31, 12, tzinfo=UTC)
kinds = ("pricing_page", "demo_request", "webinar_attended", "email_click", "careers_page")
fields = {
    "email": "anna@northmill.example", "first_name": "Anna", "job_title": "VP Operations", "country": "Poland",
    "industry": "manufacturing", "company_name": "Northmill", "company_size": 420.0, "call_back_on": noon,
}
for number in range(40):
    signals = tuple(
        Signal(f"{number}-{each}", kinds[(number + each) % 5], noon - timedelta(hours=7 * each + number))
        for each in range(number % 9)
    )
    person = Person(str(number), fields, "lead", None, "7", signals=signals)
    print(decider.decide(person, (), as_of=noon, run=1, go_live=ALWAYS))
"""


@LAW
@given(people())
def test_every_track_survives_json(decider: Decider, who: Person) -> None:
    """Whatever a track went through, the ledger gives it back."""
    track = decider.decide(who, (), as_of=NOON, run=1, go_live=ALWAYS).tracks[0]

    assert track_from_json(track_to_json(track)) == track
